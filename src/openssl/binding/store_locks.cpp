// SPDX-License-Identifier: Apache-2.0
#include "store_locks.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>

#include "unwaited_mutex.h"

namespace ibid::openssl::store_locks {

namespace {

// A thread that has a store's lock, or waits for it. Only this thread withdraws the entry, or the store's
// end.
struct holder {
    // null: free. Released with the entry, and acquired before it is used again or read.
    std::atomic<const X509_STORE*> store{nullptr};
    std::atomic<const void*> thread{nullptr}; // relaxed: with `store`
    bool has_it = false;                      // of that thread alone
};

// Few programs hold more than one, so the pages of the others are not touched.
constexpr std::size_t most = 4096;

// Taken for a new entry, and by lock_unless_programs() until it has the store's lock. A thread that has a
// store's lock may take it, too: ibid then does not wait for that store's lock, because of the entry.
constinit unwaited_mutex mutex;
constinit std::array<holder, most> holders;
constinit std::atomic<std::size_t> used{0}; // entries that were ever used: the first ones
// Locks without an entry: there was no room, or the thread could not wait for the mutex. Until they are
// unlocked, ibid takes no store's lock.
constinit std::atomic<std::size_t> unrecorded{0};

constinit thread_local std::size_t unrecorded_here = 0; // of this thread; its address is the thread's name

[[nodiscard]] auto end_of_used() noexcept {
    return holders.begin() + static_cast<std::ptrdiff_t>(used.load(std::memory_order_acquire));
}

[[nodiscard]] bool is_of(const holder& h, const X509_STORE* store) noexcept {
    return h.store.load(std::memory_order_acquire) == store;
}

// An unused entry; null: there is no room.
[[nodiscard]] holder* find_free() noexcept IBID_REQUIRES(mutex) {
    auto* const free =
        std::find_if(holders.begin(), end_of_used(), [](const holder& h) { return is_of(h, nullptr); });
    if (free != holders.end() && free == end_of_used()) {
        used.fetch_add(1, std::memory_order_release);
    }
    return free != holders.end() ? free : nullptr;
}

// The entry; null: it is counted as unrecorded.
[[nodiscard]] holder* announce(const X509_STORE* store) noexcept {
    const unwaited_lock lock(mutex);
    holder* const free = lock ? find_free() : nullptr;
    if (free == nullptr) {
        ++unrecorded_here;
        unrecorded.fetch_add(1, std::memory_order_relaxed);
        return nullptr;
    }
    free->thread.store(&unrecorded_here, std::memory_order_relaxed);
    free->has_it = false;
    free->store.store(store, std::memory_order_release);
    return free;
}

// Null: of a lock that this thread has without an entry, if it has one.
void withdraw(holder* mine) noexcept {
    if (mine != nullptr) {
        mine->store.store(nullptr, std::memory_order_release);
    } else if (unrecorded_here != 0) {
        --unrecorded_here;
        unrecorded.fetch_sub(1, std::memory_order_relaxed);
    }
}

[[nodiscard]] holder* held_here(const X509_STORE* store) noexcept {
    auto* const end = end_of_used();
    auto* const found = std::find_if(holders.begin(), end, [store](const holder& h) {
        return is_of(h, store) && h.thread.load(std::memory_order_relaxed) == &unrecorded_here && h.has_it;
    });
    return found != end ? found : nullptr;
}

} // namespace

int lock_for_program(const functions& f, X509_STORE* store) {
    holder* const mine = announce(store);
    const int locked = f.X509_STORE_lock(store);
    if (locked == 0) {
        withdraw(mine); // OpenSSL refuses a second lock of one thread
    } else if (mine != nullptr) {
        mine->has_it = true;
    }
    return locked;
}

// Withdrawn first: who waits for the lock then waits for this function alone.
int unlock_for_program(const functions& f, X509_STORE* store) {
    withdraw(held_here(store));
    return f.X509_STORE_unlock(store);
}

outcome lock_unless_programs(const functions& f, X509_STORE* store) {
    if (held_here(store) != nullptr) {
        return outcome::held_here;
    }
    const unwaited_lock lock(mutex);
    if (!lock || unrecorded.load(std::memory_order_relaxed) != 0 ||
        std::any_of(holders.begin(), end_of_used(), [store](const holder& h) { return is_of(h, store); })) {
        return outcome::refused;
    }
    return f.X509_STORE_lock(store) != 0 ? outcome::locked : outcome::refused;
}

void forget(const X509_STORE* store) noexcept {
    for (auto* entry = holders.begin(); entry != end_of_used(); ++entry) {
        const X509_STORE* mine = store;
        (void)entry->store.compare_exchange_strong(mine, nullptr, std::memory_order_acq_rel);
    }
}

void lock_for_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    mutex.lock_for_fork();
}

void unlock_after_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    mutex.unlock_after_fork();
}

} // namespace ibid::openssl::store_locks
