// SPDX-License-Identifier: Apache-2.0
//
// A wait-for graph: it prevents threads from waiting for each other in a cycle. There is one graph in the
// process, because a cycle may run through several caches and modules.
//
// Law: an edge exists from before its thread sleeps until the leader releases that thread. All modules name
// threads in the same way (port/threads.h).
//
// Lock order: inside a shard's lock. Taken only by threads that are about to sleep and by leaders that have
// waiters.
#pragma once

#include <new>

#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/base/mutex.h"
#include "ibid/detail/base/process_wide.h"
#include "ibid/detail/port/compiled.h"
#include "ibid/detail/port/threads.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

// On the stack of the thread that waits.
struct wait_edge {
    thread_name from{};
    thread_name to{};
    wait_edge* next = nullptr;
    wait_edge** link = nullptr; // what points here
};

struct wait_edges {
    detail::mutex mutex;
    wait_edge* first IBID_GUARDED_BY(mutex) = nullptr;

    // Whether `who` waits for `whom`, directly or through others. A thread waits for at most one other.
    [[nodiscard]] bool waits(thread_name who, thread_name whom) const noexcept IBID_REQUIRES(mutex) {
        const wait_edge* edge = nullptr;
        do {
            if (same_thread(who, whom)) {
                return true;
            }
            for (edge = first; edge != nullptr && !same_thread(edge->from, who);) {
                edge = edge->next;
            }
            who = edge != nullptr ? edge->to : who;
        } while (edge != nullptr);
        return false;
    }
    void add(wait_edge& e) noexcept IBID_REQUIRES(mutex) {
        e.next = first;
        e.link = &first;
        if (first != nullptr) {
            first->link = &e.next;
        }
        first = &e;
    }
    static void remove(wait_edge& e) noexcept {
        *e.link = e.next;
        if (e.next != nullptr) {
            e.next->link = e.link;
        }
    }

    [[nodiscard]] static const char* process_name() noexcept { return IBID_PROCESS_NAME("waits"); }
};

// Lockable. Only get() throws bad_alloc, so only when the first thread of the process waits.
struct IBID_CAPABILITY the_wait_graph {
    [[nodiscard, IBID_SELDOM]] IBID_COMPILED static wait_edges& get()
#if IBID_COMPILES
    {
        wait_edges* const shared = process_wide<wait_edges>::get();
        return some(shared);
    }
#else
        ;
#endif
    void lock() const noexcept IBID_ACQUIRE() IBID_NO_THREAD_SAFETY_ANALYSIS {
        get().mutex.lock();
    }
    void unlock() const noexcept IBID_RELEASE() IBID_NO_THREAD_SAFETY_ANALYSIS {
        get().mutex.unlock();
    }
    // In the child of fork(), under the lock: no thread waits there.
    void forget_other_threads() const noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
        get().first = nullptr;
    }
};
inline constexpr the_wait_graph wait_graph;

} // namespace detail
} // namespace layout_1
} // namespace ibid
