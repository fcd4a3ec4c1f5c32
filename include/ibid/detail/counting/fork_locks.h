// SPDX-License-Identifier: Apache-2.0
//
// The locks of the process that lie below those of every table, held around fork() with them: the child must find neither
// lock taken by a thread that it does not have, nor stripes half open.
//
// Law: a program may bracket one fork with several tables, one after the other; these locks are held from the first to the last.
// Nobody who holds one of them waits for a table's lock, but some who hold a table's wait for one of them (add_pending_check): so
// they are let go while a further table is locked.
#pragma once

#include "ibid/detail/base/process_wide.h"
#include "ibid/detail/counting/hot_values.h"
#include "ibid/detail/reclamation/qsbr_domain.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

// How many tables this thread has locked. In the child this thread is the one that is left.
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
