// SPDX-License-Identifier: Apache-2.0
#include "store_locks.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>

#include "unwaited_mutex.h"

namespace ibid::openssl::store_locks {

namespace {

// A thread that has a store's lock, or waits for it.
struct holder {
    const X509_STORE* store = nullptr; // null: free
    const void* thread = nullptr;
    bool has_it = false;
};

constexpr std::size_t most = 64;

// Of all threads; no other lock of ibid is taken under it.
constinit unwaited_mutex mutex;
constinit std::array<holder, most> holders IBID_GUARDED_BY(mutex);
// Threads that found no room, or could not wait for the mutex: from then on ibid takes no store's lock.
constinit std::atomic<bool> is_incomplete{false};

constinit thread_local char this_thread = 0; // its address is the thread's name

// The entry; null: there is no room, or this thread must not wait.
[[nodiscard]] holder* announce(const X509_STORE* store) noexcept {
    const unwaited_lock lock(mutex);
    holder* const free = lock ? std::ranges::find(holders, nullptr, &holder::store) : holders.end();
    if (free == holders.end()) {
        is_incomplete.store(true, std::memory_order_relaxed);
        return nullptr;
    }
    *free = {store, &this_thread, false};
    return free;
}

[[nodiscard]] holder* held_here(const X509_STORE* store) noexcept IBID_REQUIRES(mutex) {
    return std::ranges::find_if(holders, [store](const holder& h) {
        return h.store == store && h.thread == &this_thread && h.has_it;
    });
}

} // namespace

int lock_for_program(const functions& f, X509_STORE* store) {
    holder* const mine = announce(store);
    const int locked = f.X509_STORE_lock(store);
    if (mine != nullptr) {
        const unwaited_lock lock(mutex);
        if (!lock) {
            is_incomplete.store(true, std::memory_order_relaxed);
        } else if (locked != 0) {
            mine->has_it = true;
        } else {
            *mine = {}; // OpenSSL refuses a second lock of one thread
        }
    }
    return locked;
}

// Withdrawn first: who waits for the lock then waits for this function alone.
int unlock_for_program(const functions& f, X509_STORE* store) {
    {
        const unwaited_lock lock(mutex);
        if (!lock) {
            is_incomplete.store(true, std::memory_order_relaxed);
        } else if (holder* const mine = held_here(store); mine != holders.end()) {
            *mine = {};
        }
    }
    return f.X509_STORE_unlock(store);
}

outcome lock_unless_programs(const functions& f, X509_STORE* store) {
    if (is_incomplete.load(std::memory_order_relaxed)) {
        return outcome::refused;
    }
    const unwaited_lock lock(mutex);
    if (!lock) {
        return outcome::refused;
    }
    if (held_here(store) != holders.end()) {
        return outcome::held_here;
    }
    if (std::ranges::find(holders, store, &holder::store) != holders.end()) {
        return outcome::refused;
    }
    return f.X509_STORE_lock(store) != 0 ? outcome::locked : outcome::refused;
}

void lock_for_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    mutex.lock_for_fork();
}

void unlock_after_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    mutex.unlock_after_fork();
}

} // namespace ibid::openssl::store_locks
