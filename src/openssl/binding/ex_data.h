// SPDX-License-Identifier: Apache-2.0
//
// ibid's entries in the ex_data of an OpenSSL object. They concern only that object.
#pragma once

#include <openssl/crypto.h>

namespace ibid::openssl {

// For CRYPTO_get_ex_new_index: a copy is another object and gets no entry.
inline int not_copied(CRYPTO_EX_DATA*, const CRYPTO_EX_DATA*, void** from_d, int, long, void*) noexcept {
    *from_d = nullptr;
    return 1;
}

} // namespace ibid::openssl
