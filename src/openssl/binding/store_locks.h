// SPDX-License-Identifier: Apache-2.0
//
// Which trust stores the program has locked itself, by X509_STORE_lock(): it may hold such a lock for as long
// as it likes, and wait for another thread meanwhile.
//
// Law: a function that takes no lock in stock does not wait for a thread of the program. ibid takes a store's
// lock there only if no thread of the program holds it or waits for it.
//
// Why: announce() and lock_unless_programs() exclude each other, the second until the lock is taken. So a
// thread that is not announced yet gets the lock after ibid, and the one that ibid waits for is in OpenSSL.
//
// Thread safety: all functions, from any thread.
#pragma once

#include <openssl/types.h>

#include "functions.h"

namespace ibid::openssl::store_locks {

// The program's X509_STORE_lock() and X509_STORE_unlock().
[[nodiscard]] int lock_for_program(const functions& f, X509_STORE* store);
[[nodiscard]] int unlock_for_program(const functions& f, X509_STORE* store);

enum class outcome {
    locked,
    held_here, // this thread has locked it for the program: there is nothing to unlock
    refused,   // another thread of the program has it, or this thread must not wait now
};
[[nodiscard]] outcome lock_unless_programs(const functions& f, X509_STORE* store);

// The store ends. A program may free a store that it has locked.
void forget(const X509_STORE* store) noexcept;

void lock_for_fork() noexcept;
void unlock_after_fork() noexcept;

} // namespace ibid::openssl::store_locks
