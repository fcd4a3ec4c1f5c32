// SPDX-License-Identifier: Apache-2.0
//
// The values of the process that are hot, and how one becomes hot and ceases to be. Included by references.h, which says what
// that means.
//
// Law: a value that is spread cannot end before all who are expected to ask have asked. Each drop that leaves it without a central
// reference asks once (gather), when that reference has gone already: so it may touch the value only because it is expected.
// `awaited` counts, under the lock, how many will still come: one from the start, and one more whenever somebody takes a
// central reference when there was none, who says so before anything else (await_one_more), and until then holds
// that reference. So if there is none, and nobody is awaited, nobody is on the way: whoever finds it so closes.
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
#include "ibid/detail/counting/references.h"
#include "ibid/detail/counting/sharded_count.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

class hot_values {
public:
    // Takes (n = 1) or drops (n = -1) a reference in the stripes of a value whose word is `word`, if they are open and, for a
    // drop, are those in which it was counted. The memory of the value is there, so its place is its own.
    [[nodiscard]] bool add(std::uint64_t word, counted_in where, std::int64_t n) noexcept {
        hot_count* const stripes = places_[entry_link::tag(word)].stripes.load(std::memory_order_acquire);
        return stripes->add(number_of_this_thread(), static_cast<unsigned>(where), n);
    }

    // The caller holds a reference. From here on new ones are counted in stripes, if somebody else holds a central one as well,
    // and there is a place, and memory. Whether it is so.
    bool spread(value_header& h) noexcept {
        const std::lock_guard lock(mutex_);
        std::uint64_t word = h.word();
        const unsigned times = entry_link::times_hot(word);
        const bool others = (h.count.load(std::memory_order_relaxed) & value_header::references) > 1;
        if ((word & entry_link::hot) != 0) {
            return true;
        }
        if (times == entry_link::most_times_hot || !others) {
            return false;
        }
        const std::size_t number = times != 0 ? entry_link::tag(word) : vacant();
        if (number == places_.size()) {
            return false;
        }
        place& p = places_[number];
        hot_count* stripes = p.stripes.load(std::memory_order_relaxed);
        if (stripes == nullptr && (stripes = hot_count::create()) == nullptr) {
            return false;
        }
        p.stripes.store(stripes, std::memory_order_release); // pairs with the acquire in add()
        p.taken = true;
        p.awaited = 1;
        stripes->open(times + 1);
        h.count.fetch_add(value_header::spread + value_header::stand_in, std::memory_order_acq_rel);
        while (!h.mark(word, {true, times + 1, 0, static_cast<unsigned>(number)})) {
            word = h.word();
        }
        return true;
    }

    // The caller has taken a central reference to `h` when there was none: dropping it will ask once more.
    void await_one_more(value_header& h) noexcept {
        const std::lock_guard lock(mutex_);
        ++place_of(h).awaited;
    }

    // The caller has dropped the last central reference to `h`. Gathers the count, if there is none still and nobody else is to
    // ask. True: there is no reference at all, and the caller retires it.
    [[nodiscard]] bool gather(value_header& h) noexcept {
        const std::lock_guard lock(mutex_);
        place& p = place_of(h);
        if (--p.awaited != 0) {
            return false;
        }
        // No longer `spread`: from here on, who takes or drops central references has nothing to tell or to ask. That fails when somebody
        // has taken one meanwhile: then dropping that asks again.
        std::uint32_t nothing_central = value_header::nothing_central;
        return h.count.compare_exchange_strong(nothing_central, value_header::stand_in,
                                               std::memory_order_acq_rel, std::memory_order_relaxed) &&
               close(h, p);
    }

    // The memory of a value with a place goes.
    void leave(std::uint64_t word) noexcept {
        const std::lock_guard lock(mutex_);
        places_[entry_link::tag(word)].taken = false;
    }

    // Around fork(): see fork_locks.h.
    void lock() noexcept { mutex_.lock(); }
    [[nodiscard]] bool try_lock() noexcept { return mutex_.try_lock(); }
    void unlock() noexcept { mutex_.unlock(); }

private:
    struct place {
        std::atomic<hot_count*> stripes{nullptr}; // made when first needed, never given back
        unsigned awaited = 0;                     // who will still ask about the value that is spread
        bool taken = false;
    };

    [[nodiscard]] std::size_t vacant() const noexcept {
        std::size_t number = 0;
        while (number < places_.size() && places_[number].taken) {
            ++number;
        }
        return number;
    }

    // Of a value that has been hot.
    [[nodiscard]] place& place_of(const value_header& h) noexcept {
        return places_[entry_link::tag(h.word())];
    }

    [[nodiscard]] static bool close(value_header& h, const place& p) noexcept {
        const std::int64_t in_stripes = p.stripes.load(std::memory_order_relaxed)->close();
        std::uint64_t word = h.word();
        while (!h.mark(word, {false, entry_link::times_hot(word), 0, entry_link::tag(word)})) {
            word = h.word();
        }
        // Others may take and drop central references meanwhile. Those who drop one that a stripe has counted, since that was
        // closed under them, may even be ahead of the sum: so what stood in for the stripes is large.
        std::uint32_t now = h.count.load(std::memory_order_relaxed);
        std::uint32_t next = 0;
        do {
            const std::int64_t central = std::int64_t{now} - value_header::stand_in;
            next = static_cast<std::uint32_t>(central + in_stripes);
        } while (
            !h.count.compare_exchange_weak(now, next, std::memory_order_acq_rel, std::memory_order_relaxed));
        return next == 0;
    }

    std::mutex mutex_; // protects all places, but for who reads `stripes`. No other lock is taken inside
    std::array<place, entry_link::tags> places_{};
};

IBID_PROCESS_WIDE inline constinit hot_values the_hot_values;

[[nodiscard]] inline counted_in place_of_new_references(std::uint64_t word) noexcept {
    return static_cast<counted_in>((word & entry_link::hot) != 0 ? entry_link::times_hot(word) : 0);
}

inline counted_in value_header::acquire_near() noexcept {
    const std::uint64_t w = word();
    if (const counted_in where = place_of_new_references(w);
        where != counted_in::center && the_hot_values.add(w, where, 1)) {
        return where;
    }
    acquire();
    return counted_in::center;
}

inline void value_header::release(counted_in where) noexcept {
    if (where == counted_in::center || !the_hot_values.add(word(), where, -1)) {
        release();
    }
}

inline void release_last_central(value_header& h) noexcept {
    if (the_hot_values.gather(h)) {
        h.owner->retire(h);
    }
}
[[gnu::noinline]] inline void await_one_more(value_header& h) noexcept {
    the_hot_values.await_one_more(h);
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
