// SPDX-License-Identifier: Apache-2.0
//
// How values that ibid owns end: the part of a table that implements value_owner for their headers.
//
// Invariants:
//  - The entry leaves the table before its value is destroyed, and the value is destroyed before the memory
//    is freed. No lock is held for the latter two.
//  - An ending entry keeps the table alive by the shard's count or, to save a lock, by a pin in this thread's
//    record (participant::pin_table). After both are gone another thread may free the table, so everything
//    that is needed later is copied first.
//  - If a value's destructor drops another value of its table, that one ends after it, from a list
//    (ending_values.h).
//
// Thread safety: any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <new>

#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/base/few_includes.h"
#include "ibid/detail/base/mutex.h"
#include "ibid/detail/counting/ending_values.h"
#include "ibid/detail/counting/fork_locks.h"
#include "ibid/detail/counting/references.h"
#include "ibid/detail/counting/value_header.h"
#include "ibid/detail/table/value_operations.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

// Table: an interner whose entries derive from value_header.
template <class Table>
class owned_values final : public value_owner {
    using traits = typename Table::traits_type;
    using entry = typename Table::entry;
    using shard_type = typename Table::shard_type;

public:
    // Requires prepare(), which throws bad_alloc.
    template <class Allocator>
    owned_values(Table& table, const Allocator& allocator) noexcept
        : value_owner(hot_values::of_process(), allocator.values()), table_(table) {}
    owned_values(const owned_values&) = delete;
    owned_values& operator=(const owned_values&) = delete;
    IBID_MODULE_LOCAL ~owned_values() { ending_values::forget(*this); }
    static void prepare() {
        (void)hot_values::of_process();
        (void)wait_graph::of_process(); // for fork_locks.h
        (void)some(process_wide<participant_registry>::get());
    }

    IBID_MODULE_LOCAL void end_value(value_header& h) noexcept override {
        entry& e = static_cast<entry&>(h);
        auto& reclaimer = table_.reclaimer_;
        const auto allocator = table_.allocator();
        hot_values& hot_cells = hot;
        shard_type& s = table_.shard_of(e.hash());
        const auto me = reclaimer.known_here();
        ending_values* const outer = ending_values::of(*this);
        bool free_now = false;
        bool pinned = false;
        bool must_release = false;
        {
            const lock_guard lock(s.mutex);
            table_.unlink(s, e, reclaimer.counters_for(me, s));
            // Acquire: holders of weak references are done with the memory (pairs with release_weak()). If
            // there is none now, there will never be one again.
            if (outer == nullptr && h.weak.load(std::memory_order_acquire) == 1) {
                free_now = !allocator.ends_with_table() && reclaimer.single_reader();
                pinned = !free_now && reclaimer.pin_table(me, s);
                must_release = (free_now || pinned) && Table::uncount(s);
            }
        }
        if (outer != nullptr) {
            outer->push(h); // still counted, so that it keeps the table
            return;
        }
        ending_values ending(*this);
        values.destroy(h);
        if (free_now) {
            traits::free(e, allocator, hot_cells);
        } else if (pinned) {
            must_release = reclaimer.retire_and_unpin(me, e);
        } else {
            h.release_weak();
        }
        if (must_release) {
            table_.release_table();
        }
        while (value_header* const next = ending.take()) { // the table is there while the list has entries
            next->owner->values.destroy(*next);
            next->release_weak();
        }
    }

    void retire_memory(value_header& h) noexcept override {
        entry& e = static_cast<entry&>(h);
        auto& reclaimer = table_.reclaimer_;
        shard_type& s = table_.shard_of(e.hash());
        bool must_release = false;
        // The unlinker held the shard's lock before, so single_reader() is valid here too (qsbr_domain.h).
        if (reclaimer.single_reader()) {
            traits::free(e, table_.allocator(), hot);
            const lock_guard lock(s.mutex);
            must_release = Table::uncount(s);
        } else {
            if constexpr (Table::reads_without_lock) {
                reclaimer.retire(s, reclaimer.known_here(), e);
            }
            must_release = uncount_and_reclaim(s);
        }
        if (must_release) {
            table_.release_table();
        }
    }

    // Around fork(): see fork_locks.h.
    [[nodiscard]] unsigned before_lock_for_fork() const noexcept {
        return before_a_table_is_locked_for_fork(hot);
    }
    void lock_for_fork(unsigned tables) const noexcept { lock_process_for_fork(hot, tables); }
    void unlock_after_fork() const noexcept { unlock_process_after_fork(hot); }
    static void forget_other_threads() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS { // locked for fork()
        wait_graph::of_process().first = nullptr;
    }

private:
    // As uncount(). If many arrays wait, first tries to free them, because after uncount() the table may be
    // gone.
    [[nodiscard]] bool uncount_and_reclaim(shard_type& s) noexcept {
        {
            const lock_guard lock(s.mutex);
            if (table_.reclaimer_.may_shrink(s)) {
                return Table::uncount(s);
            }
        }
        table_.reclaimer_.reclaim(s);
        const lock_guard lock(s.mutex);
        return Table::uncount(s);
    }

    Table& table_;
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
