// SPDX-License-Identifier: Apache-2.0
//
// The process-wide locks that are held around fork() together with the locks of a table: those of the
// participants and of the hot values. Else the child could find one locked by a thread that it does not have,
// or stripes that are half open.
//
// Law: a program may lock several tables for one fork, one after the other. The process-wide locks are held
// from the first table to the last. Lock order: a table's locks come before them (add_pending_check), so they
// are released while a further table is locked.
#pragma once

#include "ibid/detail/base/process_wide.h"
#include "ibid/detail/counting/hot_values.h"
#include "ibid/detail/reclamation/qsbr_domain.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

// How many tables this thread has locked. Thread-local: the child has only this thread.
IBID_PROCESS_WIDE inline thread_local constinit unsigned tables_locked_for_fork = 0;

inline void unlock_process() noexcept {
    the_hot_values.unlock();
    the_participant_registry.unlock();
}
inline void before_a_table_is_locked_for_fork() noexcept {
    if (tables_locked_for_fork != 0) {
        unlock_process();
    }
}
inline void lock_process_for_fork() noexcept {
    ++tables_locked_for_fork;
    the_participant_registry.lock();
    the_hot_values.lock();
}
inline void unlock_process_after_fork() noexcept {
    if (--tables_locked_for_fork == 0) {
        unlock_process();
    }
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
