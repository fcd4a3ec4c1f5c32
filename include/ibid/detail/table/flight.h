// SPDX-License-Identifier: Apache-2.0
//
// A flight is one value being made: the thread that leads makes it, the threads that missed the same key wait and share.
//
// Law: every waiter gets the leader's value with a reference of its own, or, when the leader failed, nothing, and then
// tries again for itself. Nobody waits in a circle: the one whose wait would close it gets `recursive_make` instead.
//
// Flights and waiters live on their threads' stacks. A waiter is reached only through its flight, a flight only through
// its shard's list, and both lists only under the shard's lock; so nobody looks at a stack that is gone.
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

// One per thread: for whom this thread waits. The edges of the graph in which a circle would be a deadlock.
struct waiting_thread {
    waiting_thread* waits_for = nullptr;
};

[[nodiscard]] IBID_PROCESS_WIDE inline waiting_thread& this_thread_waiting() noexcept {
    thread_local constinit waiting_thread self;
    return self;
}

// Protects every `waits_for`. One for the process, because a circle may run through several caches; taken only by
// threads that are about to sleep and by leaders that have somebody to wake. Taken inside a shard's lock, never around one.
IBID_PROCESS_WIDE inline constinit std::mutex wait_graph;

template <class Entry>
struct waiter {
    Entry* result = nullptr; // with a reference that belongs to the waiter; null: the leader failed
    waiting_thread* thread = &this_thread_waiting();
    std::atomic<std::uint32_t> landed{0};
    waiter* next = nullptr;

    // Acquire pairs with the store in wake(). A waiting thread's errno is its caller's business.
    void wait() noexcept {
        const int error = errno;
        landed.wait(0, std::memory_order_acquire);
        errno = error;
    }
    // Sequentially consistent, as notify_one() wakes nobody if its look whether somebody sleeps there comes before this store:
    // libstdc++ has no fence of its own in between.
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

    // Under the shard's lock. Throws recursive_make when the leader waits, through whomever, for this thread.
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

    // Under the shard's lock. The leader clears the waiters' edges, not they themselves: from here on the leader may wait
    // for one of them, and an edge that has lost its meaning would look like a circle.
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
