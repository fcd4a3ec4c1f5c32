// SPDX-License-Identifier: Apache-2.0
//
// Single-flight: a flight is one value being made. The leader makes it; threads that miss the same key
// meanwhile wait and share.
//
// Invariants:
//  - Every waiter gets the leader's value with a reference of its own. If the leader failed, it gets nothing
//    and tries again itself.
//  - No deadlock by waiting in a circle: the thread whose wait would close a circle gets recursive_make
//    instead.
//
// Flights and waiters are on their threads' stacks. A waiter is reached only through its flight, a flight
// only through its shard's list, and both lists only under the shard's lock. So nobody reads a stack frame
// that is gone.
//
// Thread safety: everything except waiter::wait() under the shard's lock.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <mutex>

#include "ibid/detail/base/process_wide.h"
#include "ibid/errors.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

// One per thread: the thread that it waits for. An edge of the wait-for graph.
struct waiting_thread {
    waiting_thread* waits_for = nullptr;
};

[[nodiscard]] IBID_PROCESS_WIDE inline waiting_thread& this_thread_waiting() noexcept {
    thread_local constinit waiting_thread self;
    return self;
}

// Protects every `waits_for`. One per process, because a circle may run through several caches. Taken only by
// threads that are about to sleep and by leaders that have waiters. Lock order: inside a shard's lock.
IBID_PROCESS_WIDE inline constinit std::mutex wait_graph;

template <class Entry>
struct waiter {
    Entry* result = nullptr; // with a reference that belongs to the waiter; null: the leader failed
    waiting_thread* thread = &this_thread_waiting();
    std::atomic<std::uint32_t> landed{0};
    waiter* next = nullptr;

    // Acquire pairs with the store in wake(). errno is preserved.
    void wait() noexcept {
        const int error = errno;
        landed.wait(0, std::memory_order_acquire);
        errno = error;
    }
    // Sequentially consistent: notify_one() first tests whether anybody sleeps, and must not test before this
    // store is visible. libstdc++ has no fence of its own in between.
    void wake() noexcept {
        landed.store(1, std::memory_order_seq_cst);
        landed.notify_one();
    }
};

template <class Entry, class Key>
struct flight {
    const Key* key;
    std::uint64_t hash;
    waiting_thread* leader = &this_thread_waiting();
    waiter<Entry>* waiters = nullptr;
    flight* next = nullptr;

    // Throws recursive_make if the leader waits for this thread, directly or through others.
    void add_waiter(waiter<Entry>& w) {
        const std::lock_guard graph(wait_graph);
        for (waiting_thread* t = leader; t != nullptr; t = t->waits_for) {
            if (t == w.thread) {
                throw recursive_make();
            }
        }
        w.thread->waits_for = leader;
        w.next = waiters;
        waiters = &w;
    }

    // Ends the flight. The leader removes the waiters' edges, not the waiters: from here on the leader may
    // wait for one of them, and an outdated edge would look like a circle.
    void finish(Entry* result) noexcept {
        if (waiters == nullptr) {
            return;
        }
        const std::lock_guard graph(wait_graph);
        while (waiters != nullptr) {
            waiter<Entry>* const w = waiters;
            waiters = w->next;
            w->result = result;
            w->thread->waits_for = nullptr;
            w->wake();
        }
    }
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
