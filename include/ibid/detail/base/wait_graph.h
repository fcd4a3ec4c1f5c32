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

#include <cstdint>

#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/base/mutex.h"
#include "ibid/detail/base/process_wide.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

// On the stack of the thread that waits.
struct wait_edge {
    std::uintptr_t from = 0; // threads
    std::uintptr_t to = 0;
    wait_edge* next = nullptr;
    wait_edge** link = nullptr; // what points here
};

struct wait_graph {
    detail::mutex mutex;
    wait_edge* first IBID_GUARDED_BY(mutex) = nullptr;

    [[nodiscard]] static const char* process_name() noexcept { return IBID_PROCESS_NAME("waits"); }
    // Throws bad_alloc, if no table is there yet.
    [[nodiscard]] static wait_graph& of_process() {
        wait_graph* const shared = process_wide<wait_graph>::get();
        return some(shared);
    }

    // Whether `who` waits for `whom`, directly or through others. A thread waits for at most one other.
    [[nodiscard]] bool waits(std::uintptr_t who, std::uintptr_t whom) const noexcept IBID_REQUIRES(mutex) {
        const wait_edge* edge = nullptr;
        do {
            if (who == whom) {
                return true;
            }
            for (edge = first; edge != nullptr && edge->from != who;) {
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
    void remove(wait_edge& e) noexcept IBID_REQUIRES(mutex) {
        *e.link = e.next;
        if (e.next != nullptr) {
            e.next->link = e.link;
        }
    }
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
