// SPDX-License-Identifier: Apache-2.0
//
// The locks that all tables share: of the participants, the hot values and the wait-for graph. They are held
// around fork() together with a table's own locks. Otherwise the child could find a lock held by a thread
// that does not exist there, or stripes that are half open.
//
// Law: a program may lock several tables for one fork, one after the other. The shared locks are held from
// the first of these calls until the last table is unlocked. They are released only while a further table is
// being locked, because a table's locks come before them in the lock order (add_pending_check). Meanwhile
// another thread may hold them for its fork, and so the number of tables is the holder's alone.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "ibid/detail/base/process_wide.h"
#include "ibid/detail/base/wait_graph.h"
#include "ibid/detail/counting/hot_values.h"
#include "ibid/detail/port/threads.h"
#include "ibid/detail/reclamation/qsbr_domain.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

inline void unlock_process(participant_registry& registry,
                           hot_values& hot) noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    hot.unlock();
    registry.mutex.unlock();
    wait_graph::of_process().mutex.unlock();
}

// How many tables this thread has locked. Releases the shared locks if it holds them.
[[nodiscard]] inline unsigned
before_a_table_is_locked_for_fork(hot_values& hot) noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    participant_registry& registry = *process_wide<participant_registry>::get();
    if (registry.forking_thread.load(std::memory_order_relaxed) != this_thread()) {
        return 0;
    }
    const unsigned tables = std::exchange(registry.tables_locked_for_fork, 0);
    registry.forking_thread.store(0, std::memory_order_relaxed);
    unlock_process(registry, hot);
    return tables;
}
// `tables`: what the call above returned.
inline void lock_process_for_fork(hot_values& hot, unsigned tables) noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    participant_registry& registry = *process_wide<participant_registry>::get();
    wait_graph::of_process().mutex.lock();
    registry.mutex.lock();
    hot.lock();
    registry.tables_locked_for_fork = tables + 1;
    registry.forking_thread.store(this_thread(), std::memory_order_relaxed);
}
inline void unlock_process_after_fork(hot_values& hot) noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    participant_registry& registry = *process_wide<participant_registry>::get();
    if (--registry.tables_locked_for_fork == 0) {
        registry.forking_thread.store(0, std::memory_order_relaxed);
        unlock_process(registry, hot);
    }
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
