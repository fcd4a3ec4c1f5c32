// SPDX-License-Identifier: Apache-2.0
//
// The locks that tables share and that are held around fork() together with those of a table: of the
// participants, of the hot values and of the wait-for graph. Else the child could find one locked by a thread
// that it does not have, or stripes that are half open.
//
// Law: a program may lock several tables for one fork, one after the other. The process-wide locks are held
// from the first table to the last. Lock order: a table's locks come before them (add_pending_check), so they
// are released while a further table is locked.
#pragma once

#include <atomic>
#include <cstdint>

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

inline void before_a_table_is_locked_for_fork(hot_values& hot) noexcept {
    participant_registry& registry = *process_wide<participant_registry>::get();
    if (registry.forking_thread.load(std::memory_order_relaxed) == this_thread()) {
        unlock_process(registry, hot);
    }
}
inline void lock_process_for_fork(hot_values& hot) noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    participant_registry& registry = *process_wide<participant_registry>::get();
    wait_graph::of_process().mutex.lock();
    registry.mutex.lock();
    hot.lock();
    ++registry.tables_locked_for_fork;
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
