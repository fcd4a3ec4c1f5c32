// SPDX-License-Identifier: Apache-2.0
//
// The libcrypto that ibid's own C functions work with. Two definitions, one for each way of being linked:
// this_library_found.cpp (in a shared library that has no OpenSSL of its own: the caller's) and this_library_linked.cpp (in a
// program: the one it is linked with, static or not).
#pragma once

#include "library.h"

namespace ibid::openssl {

// Null: there is none. `code`: an address in the caller.
[[nodiscard]] library* this_library(const void* code) noexcept;

} // namespace ibid::openssl
