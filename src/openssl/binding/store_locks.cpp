// SPDX-License-Identifier: Apache-2.0
#include "store_locks.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>

#include "unwaited_mutex.h"

namespace ibid::openssl::store_locks {

namespace {

// A thread that has a store's lock, or waits for it. Only this thread withdraws the entry.
struct holder {
    // null: free. Released with the entry, and acquired before it is used again or read.
    std::atomic<const X509_STORE*> store{nullptr};
    std::atomic<const void*> thread{nullptr}; // relaxed: with `store`
    bool has_it = false;                      // of that thread alone
};

constexpr std::size_t most = 64;

// Taken for a new entry, and by lock_unless_programs() until it has the store's lock. A thread that has a
// store's lock may take it, too: ibid then does not wait for that store's lock, because of the entry.
constinit unwaited_mutex mutex;
constinit std::array<holder, most> holders;
// Threads that found no room, or could not wait for the mutex: from then on ibid takes no store's lock.
constinit std::atomic<bool> is_incomplete{false};

constinit thread_local char this_thread = 0; // its address is the thread's name

[[nodiscard]] bool is_of(const holder& h, const X509_STORE* store) noexcept {
    return h.store.load(std::memory_order_acquire) == store;
}

// The entry; null: there is no room, or this thread must not wait.
[[nodiscard]] holder* announce(const X509_STORE* store) noexcept {
    const unwaited_lock lock(mutex);
    holder* const free =
        lock ? std::ranges::find_if(holders, [](const holder& h) { return is_of(h, nullptr); })
             : holders.end();
    if (free == holders.end()) {
        is_incomplete.store(true, std::memory_order_relaxed);
        return nullptr;
    }
    free->thread.store(&this_thread, std::memory_order_relaxed);
    free->has_it = false;
    free->store.store(store, std::memory_order_release);
    return free;
}

void withdraw(holder& mine) noexcept {
    mine.store.store(nullptr, std::memory_order_release);
}

[[nodiscard]] holder* held_here(const X509_STORE* store) noexcept {
    holder* const found = std::ranges::find_if(holders, [store](const holder& h) {
        return is_of(h, store) && h.thread.load(std::memory_order_relaxed) == &this_thread && h.has_it;
    });
    return found != holders.end() ? found : nullptr;
}

} // namespace

int lock_for_program(const functions& f, X509_STORE* store) {
    holder* const mine = announce(store);
    const int locked = f.X509_STORE_lock(store);
    if (mine != nullptr) {
        mine->has_it = locked != 0;
        if (locked == 0) {
            withdraw(*mine); // OpenSSL refuses a second lock of one thread
        }
    }
    return locked;
}

// Withdrawn first: who waits for the lock then waits for this function alone.
int unlock_for_program(const functions& f, X509_STORE* store) {
    if (holder* const mine = held_here(store)) {
        withdraw(*mine);
    }
    return f.X509_STORE_unlock(store);
}

outcome lock_unless_programs(const functions& f, X509_STORE* store) {
    if (held_here(store) != nullptr) {
        return outcome::held_here;
    }
    if (is_incomplete.load(std::memory_order_relaxed)) {
        return outcome::refused;
    }
    const unwaited_lock lock(mutex);
    if (!lock || std::ranges::any_of(holders, [store](const holder& h) { return is_of(h, store); })) {
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
