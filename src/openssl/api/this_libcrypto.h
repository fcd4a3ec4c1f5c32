// SPDX-License-Identifier: Apache-2.0
//
// The libcrypto that ibid's own C functions use. There are two definitions, one for each kind of linking:
// this_libcrypto_found.cpp (in a shared library that has no OpenSSL of its own: the first that was found in
// the process) and this_libcrypto_linked.cpp (in a program: the one it is linked with, static or not).
#pragma once

#include "openssl/instance/libcrypto.h"

namespace ibid::openssl {

// Null: there is none.
[[nodiscard]] libcrypto* this_libcrypto() noexcept;

} // namespace ibid::openssl
