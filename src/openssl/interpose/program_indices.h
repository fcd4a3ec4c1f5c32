// SPDX-License-Identifier: Apache-2.0
//
// Indices of ex_data that a program registers, or uses without having registered them. OpenSSL takes any
// index, and gives them out in order, so a number that the program made up may be the one that ibid has
// registered.
//
// Law: a program neither reads nor writes what ibid keeps beside an object. Data that it sets at ibid's index
// is kept at another one.
#pragma once

#include "openssl/instance/libcrypto.h"

namespace ibid::openssl::interpose {

// The index that OpenSSL gets for the program's; `object_class`: CRYPTO_EX_INDEX_…
[[nodiscard]] int index_to_read(libcrypto& of, int object_class, int index);
// ibid registers its own index before the program can use that number.
[[nodiscard]] int index_to_write(libcrypto& of, int object_class, int index);

int get_ex_new_index(libcrypto& of, int object_class, long number, void* pointer, CRYPTO_EX_new* on_new,
                     CRYPTO_EX_dup* on_dup, CRYPTO_EX_free* on_free); // CRYPTO_get_ex_new_index
int free_ex_index(libcrypto& of, int object_class, int index);        // CRYPTO_free_ex_index

} // namespace ibid::openssl::interpose
