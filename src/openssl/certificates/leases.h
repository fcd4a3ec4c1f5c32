// SPDX-License-Identifier: Apache-2.0
//
// Which session's user holds a shared certificate just now, in a program that may put data beside it (an attacher).
//
// Law: as long as a certificate is leased, users of other sessions do not get it; once it is kept, they never do. A lease that
// is not given back lasts: others get duplicates, which costs memory, never correctness. All functions may be called from any
// thread; none calls OpenSSL.
#pragma once

#include <openssl/types.h>

namespace ibid::openssl::leases {

// One reference more for this owner's user; false: another owner's has it. `owner`: what all copies of one session have in common.
[[nodiscard]] bool take(const X509* x, const void* owner) noexcept;

// The user of a certificate takes a reference more, or gives one back. Nothing happens where it is not leased.
void add(const X509* x) noexcept;
void drop(const X509* x) noexcept;

// Data was put beside `x`: it belongs to whoever has it, for as long as it lives.
void keep(const X509* x) noexcept;

// `x` ends.
void forget(const X509* x) noexcept;

// Around fork().
void lock_for_fork() noexcept;
void unlock_after_fork() noexcept;

} // namespace ibid::openssl::leases
