// SPDX-License-Identifier: Apache-2.0
//
// Hot values: promotes a value that several threads use all the time to sharded counting, and collapses it
// again.
//
// Promotion opens the stripes of a cell (sharded_count.h) and adds a bias to the central count. From then on
// references are counted in stripes. Collapse closes the stripes and adds their sum to `count`, in place of
// the bias. It is tried when the last central reference is dropped; a value is promoted only while another
// holder has a central reference, as the connections, sessions and configurations that use a hot value
// usually do.
//
// Finding the end. A thread that drops the last central reference checks for the end afterwards, so it
// touches the value although it holds no reference. This is safe because the cell counts such checks
// beforehand:
//  - `pending_checks` starts at one.
//  - A thread that takes a central reference while there is none adds one (add_pending_check) while it holds
//    that reference.
//  - Only the last pending check collapses the stripes.
//
// Invariant: a promoted value does not end while a check is pending. If no check is pending and there is no
// central reference, no other thread can start a check.
//
// A value keeps its cell from its first promotion until its memory is freed, because a lock-free reader may
// have read the cell's number earlier. There are 64 cells and seven generations of a value (a handle has
// three bits to remember the generation); a value that has used them up is counted centrally.
//
// All tables of a process share the cells; each table, and so each value by its owner, knows where they are.
//
// Thread safety: any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/base/mutex.h"
#include "ibid/detail/base/process_wide.h"
#include "ibid/detail/counting/sharded_count.h"
#include "ibid/detail/counting/value_header.h"
#include "ibid/detail/port/compiled.h"
#include "ibid/detail/reclamation/qsbr_domain.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

class hot_values {
public:
    [[nodiscard]] static const char* process_name() noexcept { return IBID_PROCESS_NAME("hot values"); }
    // The process-wide object, for tables that are made now. Throws bad_alloc.
    [[nodiscard]] static hot_values& of_process() {
        hot_values* const shared = process_wide<hot_values>::get();
        return some(shared);
    }

    // Takes (n = 1) or drops (n = -1) a reference in the stripes of a value whose word is `word`. False if
    // they are closed, or open for another generation than `where`. Requires: the value's memory is valid, so
    // its cell is too.
    [[nodiscard]] bool add(std::uint64_t word, counted_in where, std::int64_t n) noexcept {
        sharded_count* const stripes = cells_[entry_word::cell(word)].stripes.load(std::memory_order_acquire);
        return stripes->add(number_of_this_thread(), static_cast<unsigned>(where), n);
    }

    // Requires a reference. True: the value is promoted. False: nobody else holds a central reference, or
    // there is no cell, no generation or no memory left.
    [[IBID_SELDOM]] IBID_COMPILED bool promote(value_header& h) noexcept
#if IBID_COMPILES
    {
        const lock_guard lock(mutex_);
        std::uint64_t word = h.word();
        const unsigned generation = entry_word::generation(word);
        const bool others = (h.count.load(std::memory_order_relaxed) & value_header::references) > 1;
        if ((word & entry_word::hot) != 0) {
            return true;
        }
        if (generation == entry_word::last_generation || !others) {
            return false;
        }
        const std::size_t number = generation != 0 ? entry_word::cell(word) : vacant();
        if (number == cells_.size()) {
            return false;
        }
        cell& c = cells_[number];
        sharded_count* stripes = c.stripes.load(std::memory_order_relaxed);
        if (stripes == nullptr && (stripes = sharded_count::create()) == nullptr) {
            return false;
        }
        c.stripes.store(stripes, std::memory_order_release); // pairs with the acquire in add()
        c.taken = true;
        c.pending_checks = 1;
        stripes->open(generation + 1);
        h.count.fetch_add(value_header::promoted + value_header::bias, std::memory_order_acq_rel);
        while (!h.mark(word, {true, generation + 1, 0, static_cast<unsigned>(number)})) {
            word = h.word();
        }
        return true;
    }
#else
        ;
#endif

    // The caller has taken a central reference to `h` when there was none. Dropping that reference causes one
    // more check.
    [[IBID_SELDOM]] IBID_COMPILED void add_pending_check(value_header& h) noexcept
#if IBID_COMPILES
    {
        const lock_guard lock(mutex_);
        ++cell_of(h).pending_checks;
    }
#else
        ;
#endif

    // The caller has dropped the last central reference to `h`. Collapses the stripes if this is the last
    // pending check and there is still no central reference. True: no reference is left, and the caller ends
    // the value.
    [[nodiscard, IBID_SELDOM]] IBID_COMPILED bool collapse(value_header& h) noexcept
#if IBID_COMPILES
    {
        const lock_guard lock(mutex_);
        cell& c = cell_of(h);
        if (--c.pending_checks != 0) {
            return false;
        }
        // Clears `promoted`: from here on central references add no check. Fails if a thread has taken a
        // central reference meanwhile; dropping that one checks again.
        std::uint32_t only_bias = value_header::only_bias;
        return h.count.compare_exchange_strong(only_bias, value_header::bias, std::memory_order_acq_rel,
                                               std::memory_order_relaxed) &&
               close(h, c);
    }
#else
        ;
#endif

    // Call before the memory of a value with a cell is freed.
    [[IBID_SELDOM]] IBID_COMPILED void vacate(std::uint64_t word) noexcept
#if IBID_COMPILES
    {
        const lock_guard lock(mutex_);
        cells_[entry_word::cell(word)].taken = false;
    }
#else
        ;
#endif

    // Around fork(): see fork_locks.h.
    void lock() noexcept IBID_ACQUIRE(mutex_) {
        mutex_.lock();
    }
    [[nodiscard]] bool try_lock() noexcept IBID_TRY_ACQUIRE(true, mutex_) {
        return mutex_.try_lock();
    }
    void unlock() noexcept IBID_RELEASE(mutex_) {
        mutex_.unlock();
    }

private:
    struct cell {
        std::atomic<sharded_count*> stripes{nullptr}; // made when first needed, never freed
        unsigned pending_checks = 0;                  // how many threads will still check for the end
        bool taken = false;
    };

    [[nodiscard]] std::size_t vacant() const noexcept IBID_REQUIRES(mutex_) {
        std::size_t number = 0;
        while (number < cells_.size() && cells_[number].taken) {
            ++number;
        }
        return number;
    }

    // Requires: the value was promoted before.
    [[nodiscard]] cell& cell_of(const value_header& h) noexcept IBID_REQUIRES(mutex_) {
        return cells_[entry_word::cell(h.word())];
    }

    [[nodiscard]] static bool close(value_header& h, const cell& c) noexcept {
        const std::int64_t in_stripes = c.stripes.load(std::memory_order_relaxed)->close();
        std::uint64_t word = h.word();
        while (!h.mark(word, {false, entry_word::generation(word), 0, entry_word::cell(word)})) {
            word = h.word();
        }
        // Other threads take and drop central references meanwhile. If a stripe has counted a reference and
        // is now closed, the drop may reach `count` before the stripes' sum does. The bias is large enough
        // for all such drops.
        std::uint32_t now = h.count.load(std::memory_order_relaxed);
        std::uint32_t next = 0;
        do {
            const std::int64_t central = std::int64_t{now} - value_header::bias;
            next = static_cast<std::uint32_t>(central + in_stripes);
        } while (
            !h.count.compare_exchange_weak(now, next, std::memory_order_acq_rel, std::memory_order_relaxed));
        return next == 0;
    }

    detail::mutex mutex_; // protects all cells, except reads of `stripes`. No lock is taken inside
    std::array<cell, entry_word::cells> cells_{};
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
