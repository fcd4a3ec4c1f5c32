// SPDX-License-Identifier: Apache-2.0
//
// What ibid notes in the ex_data of an OpenSSL object concerns that object alone.
#pragma once

#include <openssl/crypto.h>

namespace ibid::openssl {

// For CRYPTO_get_ex_new_index: a copy is another object and gets no note.
inline int not_copied(CRYPTO_EX_DATA*, const CRYPTO_EX_DATA*, void** from_d, int, long, void*) noexcept {
    *from_d = nullptr;
    return 1;
}

} // namespace ibid::openssl
