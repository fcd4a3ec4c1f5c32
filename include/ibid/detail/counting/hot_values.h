// SPDX-License-Identifier: Apache-2.0
//
// The values of the process that are hot, and how one becomes hot and ceases to be. Included by references.h, which says what
// that means.
//
// Law: a value that is spread cannot end before all who are expected to ask have asked. Each drop that leaves it without a central
// reference asks once (collapse), when that reference has gone already: so it may touch the value only because it is expected.
// `pending_checks` counts, under the lock, how many will still come: one from the start, and one more whenever somebody takes a
// central reference when there was none, who says so before anything else (add_pending_check), and until then holds
// that reference. So if there is none, and nobody is pending_checks, nobody is on the way: whoever finds it so closes.
//
// A value keeps its place from the first time that it is hot until its memory goes, since a reader without a lock may have
// read the place's number long ago. There are few places, and few times (a handle remembers in which of them it was counted,
// and has three bits for that): what has had its share is counted centrally.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "ibid/detail/base/process_wide.h"
#include "ibid/detail/counting/sharded_count.h"
#include "ibid/detail/counting/value_header.h"
#include "ibid/detail/reclamation/qsbr_domain.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

class hot_values {
public:
    // Takes (n = 1) or drops (n = -1) a reference in the stripes of a value whose word is `word`, if they are open and, for a
    // drop, are those in which it was counted. The memory of the value is there, so its place is its own.
    [[nodiscard]] bool add(std::uint64_t word, counted_in where, std::int64_t n) noexcept {
        sharded_count* const stripes = cells_[entry_word::cell(word)].stripes.load(std::memory_order_acquire);
        return stripes->add(number_of_this_thread(), static_cast<unsigned>(where), n);
    }

    // The caller holds a reference. From here on new ones are counted in stripes, if somebody else holds a central one as well,
    // and there is a place, and memory. Whether it is so.
    bool promote(value_header& h) noexcept {
        const std::lock_guard lock(mutex_);
        std::uint64_t word = h.word();
        const unsigned times = entry_word::generation(word);
        const bool others = (h.count.load(std::memory_order_relaxed) & value_header::references) > 1;
        if ((word & entry_word::hot) != 0) {
            return true;
        }
        if (times == entry_word::last_generation || !others) {
            return false;
        }
        const std::size_t number = times != 0 ? entry_word::cell(word) : vacant();
        if (number == cells_.size()) {
            return false;
        }
        cell& p = cells_[number];
        sharded_count* stripes = p.stripes.load(std::memory_order_relaxed);
        if (stripes == nullptr && (stripes = sharded_count::create()) == nullptr) {
            return false;
        }
        p.stripes.store(stripes, std::memory_order_release); // pairs with the acquire in add()
        p.taken = true;
        p.pending_checks = 1;
        stripes->open(times + 1);
        h.count.fetch_add(value_header::promoted + value_header::bias, std::memory_order_acq_rel);
        while (!h.mark(word, {true, times + 1, 0, static_cast<unsigned>(number)})) {
            word = h.word();
        }
        return true;
    }

    // The caller has taken a central reference to `h` when there was none: dropping it will ask once more.
    void add_pending_check(value_header& h) noexcept {
        const std::lock_guard lock(mutex_);
        ++cell_of(h).pending_checks;
    }

    // The caller has dropped the last central reference to `h`. Gathers the count, if there is none still and nobody else is to
    // ask. True: there is no reference at all, and the caller retires it.
    [[nodiscard]] bool collapse(value_header& h) noexcept {
        const std::lock_guard lock(mutex_);
        cell& p = cell_of(h);
        if (--p.pending_checks != 0) {
            return false;
        }
        // No longer `spread`: from here on, who takes or drops central references has nothing to tell or to ask. That fails when somebody
        // has taken one meanwhile: then dropping that asks again.
        std::uint32_t only_bias = value_header::only_bias;
        return h.count.compare_exchange_strong(only_bias, value_header::bias, std::memory_order_acq_rel,
                                               std::memory_order_relaxed) &&
               close(h, p);
    }

    // The memory of a value with a place goes.
    void vacate(std::uint64_t word) noexcept {
        const std::lock_guard lock(mutex_);
        cells_[entry_word::cell(word)].taken = false;
    }

    // Around fork(): see fork_locks.h.
    void lock() noexcept { mutex_.lock(); }
    [[nodiscard]] bool try_lock() noexcept { return mutex_.try_lock(); }
    void unlock() noexcept { mutex_.unlock(); }

private:
    struct cell {
        std::atomic<sharded_count*> stripes{nullptr}; // made when first needed, never given back
        unsigned pending_checks = 0;                  // who will still ask about the value that is spread
        bool taken = false;
    };

    [[nodiscard]] std::size_t vacant() const noexcept {
        std::size_t number = 0;
        while (number < cells_.size() && cells_[number].taken) {
            ++number;
        }
        return number;
    }

    // Of a value that has been hot.
    [[nodiscard]] cell& cell_of(const value_header& h) noexcept { return cells_[entry_word::cell(h.word())]; }

    [[nodiscard]] static bool close(value_header& h, const cell& p) noexcept {
        const std::int64_t in_stripes = p.stripes.load(std::memory_order_relaxed)->close();
        std::uint64_t word = h.word();
        while (!h.mark(word, {false, entry_word::generation(word), 0, entry_word::cell(word)})) {
            word = h.word();
        }
        // Others may take and drop central references meanwhile. Those who drop one that a stripe has counted, since that was
        // closed under them, may even be ahead of the sum: so what stood in for the stripes is large.
        std::uint32_t now = h.count.load(std::memory_order_relaxed);
        std::uint32_t next = 0;
        do {
            const std::int64_t central = std::int64_t{now} - value_header::bias;
            next = static_cast<std::uint32_t>(central + in_stripes);
        } while (
            !h.count.compare_exchange_weak(now, next, std::memory_order_acq_rel, std::memory_order_relaxed));
        return next == 0;
    }

    std::mutex mutex_; // protects all places, but for who reads `stripes`. No other lock is taken inside
    std::array<cell, entry_word::cells> cells_{};
};

IBID_PROCESS_WIDE inline constinit hot_values the_hot_values;

} // namespace detail
} // namespace layout_1
} // namespace ibid
