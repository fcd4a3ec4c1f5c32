// SPDX-License-Identifier: Apache-2.0
//
// Single-flight: a flight is one value being made. The leader makes it; threads that miss the same key
// meanwhile wait and share.
//
// Invariants:
//  - Every waiter gets the leader's value with a reference of its own. If the leader failed, it gets nothing
//    and tries again itself.
//  - No deadlock: a thread whose wait would close a cycle gets recursive_make instead.
//
// Flights and waiters are on their threads' stacks. A waiter is reached only through its flight, a flight
// only through its shard's list, and both lists only under the shard's lock. So nobody reads a stack frame
// that is gone.
//
// Thread safety: everything except waiter::wait() under the shard's lock.
#pragma once

#include <atomic>
#include <cstdint>

#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/base/mutex.h"
#include "ibid/detail/base/wait_graph.h"
#include "ibid/detail/port/compiled.h"
#include "ibid/detail/port/threads.h"
#include "ibid/detail/port/waiting.h"
#include "ibid/errors.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

template <class Entry>
struct waiter : wait_edge {
    Entry* result = nullptr; // with a reference that belongs to the waiter; null: the leader failed
    std::atomic<std::uint32_t> landed{0};
    waiter* next_waiter = nullptr; // for the same flight

    // Acquire pairs with the store in wake(). errno is preserved.
    [[IBID_SELDOM]] void wait() noexcept {
        while (landed.load(std::memory_order_acquire) == 0) {
            sleep_while(landed, 0);
        }
    }
    // Once the waiter sees the store, it continues and this object ends. After the store, only the object's
    // address is used.
    void wake() noexcept {
        landed.store(1, std::memory_order_release);
        wake_all(landed);
    }
};

template <class Entry, class Key>
struct flight {
    const Key* key;
    std::uint64_t hash;
    std::uintptr_t leader = 0; // its thread; set when it is in the air
    waiter<Entry>* waiters = nullptr;
    flight* next = nullptr;

    // Throws recursive_make if the leader is this thread, or waits for it, directly or through others;
    // bad_alloc.
    [[IBID_SELDOM]] void add_waiter(waiter<Entry>& w) {
        wait_graph& graph = wait_graph::of_process();
        const lock_guard lock(graph.mutex);
        w.from = this_thread();
        w.to = leader;
        if (graph.waits(leader, w.from)) {
            IBID_THROW(recursive_make());
        }
        graph.add(w);
        w.next_waiter = waiters;
        waiters = &w;
    }

    // Ends the flight. The leader, not each waiter, removes the waiters' edges: from here on the leader may
    // wait for one of them, and an outdated edge would look like a cycle.
    void finish(Entry* result) noexcept {
        if (waiters != nullptr) {
            wake_waiters(result);
        }
    }

private:
    [[IBID_SELDOM]] void wake_waiters(Entry* result) noexcept {
        wait_graph& graph = wait_graph::of_process();
        const lock_guard lock(graph.mutex);
        while (waiters != nullptr) {
            waiter<Entry>* const w = waiters;
            waiters = w->next_waiter;
            w->result = result;
            graph.remove(*w);
            w->wake();
        }
    }
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
