// SPDX-License-Identifier: Apache-2.0
//
// Which session's user holds a shared certificate, in a program that may attach data to it
// (X509_set_ex_data).
//
// Law: while a certificate is leased, users of other sessions do not get it; after it is kept, they never get
// it. If a lease is not returned, it lasts, and other users get duplicates. That costs memory, never
// correctness.
//
// Thread safety: all functions, from any thread. None calls OpenSSL.
#pragma once

#include <openssl/types.h>

namespace ibid::openssl::leases {

// One more reference for this owner's user. False: another owner's user has it. `owner`: identifies all
// copies of one session.
[[nodiscard]] bool take(const X509* x, const void* owner) noexcept;
// Whether this owner's user has it, or kept it.
[[nodiscard]] bool has(const X509* x, const void* owner) noexcept;

// The user of a certificate takes one more reference, or drops one. Does nothing if the certificate is not
// leased.
void add(const X509* x) noexcept;
void drop(const X509* x) noexcept;

// Data was attached to `x`: it stays with its present holder's session until it is freed.
void keep(const X509* x) noexcept;

// `x` is freed.
void forget(const X509* x) noexcept;

// Around fork().
void lock_for_fork() noexcept;
void unlock_after_fork() noexcept;

} // namespace ibid::openssl::leases
