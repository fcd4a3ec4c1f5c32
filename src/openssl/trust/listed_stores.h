// SPDX-License-Identifier: Apache-2.0
//
// Stores whose list of objects a program has that may attach data to certificates: it may look there for what
// is loaded later, so only OpenSSL loads files into them.
//
// Law: in doubt a store is here. If its end is not reported, a later store at its address is here, too.
//
// Thread safety: all functions, from any thread; no lock.
#pragma once

#include <openssl/types.h>

namespace ibid::openssl::listed_stores {

// False: there is no room.
[[nodiscard]] bool note(const X509_STORE* store) noexcept;
[[nodiscard]] bool has(const X509_STORE* store) noexcept;
void forget(const X509_STORE* store) noexcept;

} // namespace ibid::openssl::listed_stores
