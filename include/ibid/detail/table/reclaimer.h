// SPDX-License-Identifier: Apache-2.0
//
// The shards of a table, and the way of memory out of them: entries that have ended, arrays of slots that were outgrown, and at
// last the table itself.
//
// Laws:
//  - What readers without a lock may be looking at waits until they have been seen outside (qsbr_domain.h): entries in the limbo of
//    the thread that buried them, or of their shard; arrays in a list of their shard. Whoever buries the next frees what is ripe; what is
//    left when the table ends, or is trimmed, goes then.
//  - An entry keeps the table up to its last step. It is counted until then; or a thread's place says, before the entry is no longer
//    counted, that this thread is in the last steps of one (reader::take_last_steps), which saves it the lock a second time. After
//    that a cache that goes takes the table along: so what is needed then is copied before.
//  - Nothing is freed under a lock but arrays of slots.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "ibid/detail/base/cache_lines.h"
#include "ibid/detail/counting/references.h"
#include "ibid/detail/reclamation/limbo_list.h"
#include "ibid/detail/reclamation/qsbr_domain.h"
#include "ibid/detail/table/shard.h"
#include "ibid/detail/table/slot_memory.h"
#include "ibid/statistics.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

template <class Traits, class Allocator>
class interner;

// Of values that somebody else counts.
struct no_owner {
    explicit no_owner(const value_operations&) noexcept {}
};

template <class Traits>
struct table_base_of {
    using type = no_owner;
    static constexpr bool owns_values = false;
    static constexpr bool reads_without_lock = false;
};
template <class Traits>
    requires requires {
        typename Traits::table_base;
    }
struct table_base_of<Traits> {
    using type = typename Traits::table_base;
    static constexpr bool owns_values = true;
    static constexpr bool reads_without_lock = Traits::reads_without_lock;
};

// The lower half of an interner, which is the only class that derives from it. Traits as there.
template <class Traits, class Allocator>
class reclaiming_shards : public table_base_of<Traits>::type {
    using base = typename table_base_of<Traits>::type;

protected:
    using entry = typename Traits::entry;
    using shard_type = shard<Traits, Allocator>;
    using dead_array = typename shard_type::dead_array;
    using dead_arrays = typename shard_type::dead_arrays;
    using memory = lines_from<Allocator>;

    static constexpr bool owns_values = table_base_of<Traits>::owns_values;
    static constexpr bool reads_without_lock = table_base_of<Traits>::reads_without_lock;

    explicit reclaiming_shards(const Allocator& allocator) noexcept
        : base(operations()), slots_(allocator, reads_without_lock),
          shards_(
              make_shards(typename shard_type::slots(slots_), std::make_index_sequence<counter_stripes>{})),
          allocator_(allocator) {}
    ~reclaiming_shards() {
        for (shard_type& s : shards_) {
            free(take(s.dead));
            free(s, std::exchange(s.left, {}).first);
        }
        if constexpr (owns_values) {
            this->readers_.for_each_place([this](reader& r) { free(take(r.dead)); });
        }
    }

    [[nodiscard]] std::size_t shard_number(std::uint64_t hash) const noexcept {
        return (hash >> 44) %
               counter_stripes; // neither the bits that choose a slot, nor those that stand in it
    }
    [[nodiscard]] shard_type& shard_of(std::uint64_t hash) noexcept { return shards_[shard_number(hash)]; }

    void leave() noexcept {
        // Release: everything this thread did to the table happens before its end; acquire on the last: everybody's did.
        if (remaining_.fetch_sub(1, std::memory_order_acq_rel) == 1 && !somebody_stays()) {
            auto& whole = static_cast<interner<Traits, Allocator>&>(*this);
            const Allocator allocator = allocator_;
            typename memory::block* const block = memory_;
            const std::size_t lines = whole.lines();
            std::destroy_at(&whole);
            memory::free(allocator, block, lines);
        }
    }

    // Under the shard's lock. The entry no longer keeps the table. True: but the closed table waits for it to leave().
    [[nodiscard]] bool discount(shard_type& s) noexcept {
        --s.entries;
        return s.closed;
    }

    // Under the shard's lock.
    void unlink(shard_type& s, entry& e, counter_stripe& counters) noexcept {
        s.table.erase(e);
        bump(counters.evictions);
        if (s.left.first && nobody_looks()) {
            forget_left(s);
        }
        if (s.table.could_shrink(s.flights_in_air)) {
            forget_left(s);
            if (!is_worth_a_fence(
                    s.left)) { // else each turn from growing to shrinking would leave an array more
                (void)bury(s, s.table.shrink());
            }
        }
    }

    // This thread's place; null: it has none.
    [[nodiscard]] reader* my_place() const noexcept {
        if constexpr (reads_without_lock) {
            return this->readers_.known_here();
        } else {
            return nullptr;
        }
    }

    // Where who has this place counts what it does to a shard, under its lock: there, from where nobody else takes the line.
    [[nodiscard]] static counter_stripe& counters_of(reader* me, shard_type& s) noexcept {
        return reads_without_lock && me != nullptr ? me->counters : *s.counters;
    }

    // Under the shard's lock: slots that the table has left. Whether so many wait that the caller reclaims them at once. As tables
    // double, what waits is less than the table itself; so to wait is what small ones do, until all readers have seen an era.
    [[nodiscard]] bool bury(shard_type& s, dead_array a) noexcept {
        if (!a) {
            return false;
        }
        if constexpr (reads_without_lock) {
            if (!nobody_looks()) {
                forget_left(s);
                s.table.push(s.left.first, a);
                s.left.slots += a.capacity;
                s.left.era = this->readers_.begin_era();
                return is_worth_a_fence(s.left);
            }
        }
        s.table.free(a);
        return false;
    }

    void reclaim(shard_type& s) noexcept {
        if constexpr (reads_without_lock) {
            dead_entries gone;
            dead_arrays left;
            {
                const std::lock_guard lock(s.mutex);
                forget_left(s);
                gone = take(s.dead);
                left = std::exchange(s.left, {});
            }
            if (!left.first) {
                reclaim_entries(gone);
            } else if (nobody_looks() || this->readers_.passed()) {
                free(s, left.first);
                free(gone);
            } else {
                const std::lock_guard lock(s.mutex);
                while (left.first) {
                    s.table.push(s.left.first, s.table.pop(left.first));
                }
                s.left.slots += left.slots;
                s.left.era = std::max(s.left.era, left.era);
                join(s.dead.filling, gone);
            }
        }
    }

    // All that waits here, but for what other threads that live have buried.
    void reclaim_all() noexcept {
        if constexpr (reads_without_lock) {
            for (shard_type& s : shards_) {
                reclaim(s);
            }
            dead_entries left;
            this->readers_.for_each_limbo_left([&](limbo& of) { join(left, take(of)); });
            if (reader* const me = my_place(); me != nullptr) {
                join(left, take(me->dead));
            }
            reclaim_entries(left);
        }
    }

    slot_memory<Allocator> slots_; // outlives the shards
    std::array<shard_type, counter_stripes> shards_;
    std::atomic<std::size_t> remaining_{1};    // after close(): entries not yet forgotten, plus the closer
    typename memory::block* memory_ = nullptr; // this table's own
    [[no_unique_address]] Allocator allocator_;

private:
    // Nothing is counted any more, so no further end will begin; threads that are in the last steps of one are counted now.
    [[nodiscard]] bool somebody_stays() noexcept {
        if constexpr (reads_without_lock) {
            remaining_.store(1, std::memory_order_relaxed); // this thread stays as long as it counts
            this->readers_.for_each_place([this](reader& r) {
                remaining_.fetch_add(1, std::memory_order_relaxed);
                if (!r.await_last_steps()) {
                    remaining_.fetch_sub(1, std::memory_order_relaxed);
                }
            });
            return remaining_.fetch_sub(1, std::memory_order_acq_rel) != 1;
        } else {
            return false;
        }
    }

    // Under a lock that this thread has passed, or passes now, to make something unreachable.
    [[nodiscard]] bool nobody_looks() const noexcept {
        if constexpr (reads_without_lock) {
            return this->readers_.alone();
        } else {
            return true;
        }
    }

    // Under the shard's lock: arrays that nobody can be looking at any more.
    void forget_left(shard_type& s) noexcept {
        if constexpr (reads_without_lock) {
            if (s.left.first && (nobody_looks() || this->readers_.all_have_seen(s.left.era))) {
                free(s, std::exchange(s.left, {}).first);
            }
        }
    }
    [[nodiscard]] static bool is_worth_a_fence(const dead_arrays& left) noexcept {
        return left.slots >= slots_worth_a_fence;
    }
    static void free(shard_type& s, dead_array gone) noexcept {
        while (gone) {
            s.table.free(s.table.pop(gone));
        }
    }
    void free(const dead_entries& gone) noexcept {
        if constexpr (owns_values) {
            for (value_header* h = gone.first; h != nullptr;) {
                value_header* const next = h->next_dead;
                free(static_cast<entry&>(*h), allocator_);
                h = next;
            }
        }
    }
    static void free(entry& e, const Allocator& allocator) noexcept {
        if (const std::uint64_t word = e.word(); entry_link::times_hot(word) != 0) {
            the_hot_values.leave(word);
        }
        Traits::free(e, allocator);
    }

    // What waits in a limbo, for its owner.

    static void add(dead_entries& to, value_header& h) noexcept {
        const bool once_hot = entry_link::times_hot(h.word()) != 0;
        h.next_dead = nullptr;
        join(to, {&h, &h, 1, once_hot ? 1U : 0U});
    }
    static void join(dead_entries& to, const dead_entries& from) noexcept {
        if (from.first == nullptr) {
            return;
        }
        from.last->next_dead = std::exchange(to.first, from.first);
        to.last = to.last != nullptr ? to.last : from.last;
        to.count += from.count;
        to.once_hot += from.once_hot;
    }
    [[nodiscard]] static dead_entries take(limbo& of) noexcept {
        dead_entries all = std::exchange(of.closed, {});
        join(all, std::exchange(of.filling, {}));
        return all;
    }

    // Puts a dead entry there, and takes out those that all readers are known to have passed.
    [[nodiscard]] dead_entries bury_in(limbo& in, value_header& h) noexcept {
        add(in.filling, h);
        dead_entries ripe;
        if (in.filling.count % full_at(Traits::bytes()) == 0 &&
            (in.closed.first == nullptr || this->readers_.all_have_seen(in.era))) {
            ripe = std::exchange(in.closed, std::exchange(in.filling, {}));
            in.era = this->readers_.begin_era();
        }
        return ripe;
    }
    [[nodiscard]] static bool is_worth_a_fence(const limbo& of) noexcept {
        return (of.filling.count % full_at(Traits::bytes()) == 0 &&
                of.filling.count >= worth_a_fence_at(Traits::bytes())) ||
               of.closed.once_hot + of.filling.once_hot >= hot_worth_a_fence;
    }

    // Frees these, unless somebody is looking just now: then they wait on, in the shard's or this thread's limbo.
    void reclaim_entries(dead_entries gone) noexcept {
        if (gone.first == nullptr) {
            return;
        }
        if (nobody_looks() || this->readers_.passed()) {
            free(gone);
        } else if (reader* const me = my_place(); me != nullptr) {
            join(me->dead.filling, gone);
        } else {
            const std::lock_guard lock(shards_[0].mutex);
            join(shards_[0].dead.filling, gone);
        }
    }

    // What a value_owner does.

    [[nodiscard]] static const value_operations& operations() noexcept {
        static constexpr value_operations its{[](value_owner& self, value_header& h) noexcept {
                                                  if constexpr (owns_values) {
                                                      static_cast<reclaiming_shards&>(self).retire_entry(h);
                                                  }
                                              },
                                              [](value_owner& self, value_header& h) noexcept {
                                                  if constexpr (owns_values) {
                                                      static_cast<reclaiming_shards&>(self).deallocate_entry(
                                                          h);
                                                  }
                                              }};
        return its;
    }

    void retire_entry(value_header& h) noexcept {
        entry& e = static_cast<entry&>(h);
        shard_type& s = shard_of(e.hash());
        const Allocator allocator = allocator_;
        reader* const me = my_place();
        bool now = false;
        bool takes_last_steps = false;
        bool closed = false;
        {
            const std::lock_guard lock(s.mutex);
            unlink(s, e, counters_of(me, s));
            // Acquire: what a weak reference did with the memory happened before (pairs with release_weak()). Without one
            // there will not be one again.
            if (h.weak.load(std::memory_order_acquire) == 1) {
                now = nobody_looks();
                takes_last_steps =
                    !now && me != nullptr && !is_worth_a_fence(s.left) && me->take_last_steps(s.closed);
                closed = (now || takes_last_steps) && discount(s);
            }
        }
        Traits::destroy(e);
        if (now) {
            free(e, allocator);
        } else if (takes_last_steps) {
            bury_entry(*me, h);
            closed = me->have_taken_last_steps();
        } else {
            h.release_weak();
        }
        if (closed) {
            leave();
        }
    }

    void deallocate_entry(value_header& h) noexcept {
        entry& e = static_cast<entry&>(h);
        shard_type& s = shard_of(e.hash());
        const Allocator allocator = allocator_;
        if (nobody_looks()) { // also now that the lock, which the unlinker passed, is behind us: see qsbr_domain.h
            bool closed = false;
            {
                const std::lock_guard lock(s.mutex);
                closed = discount(s);
            }
            free(e, allocator);
            if (closed) {
                leave();
            }
            return;
        }
        if constexpr (reads_without_lock) {
            bury_entry(s, h);
            if (discount_and_reclaim(s)) {
                leave();
            }
        }
    }

    // Where this thread buries, and frees what is ripe there, or too much to wait.
    void bury_entry(shard_type& s, value_header& h) noexcept {
        if (reader* const me = my_place(); me != nullptr) {
            bury_entry(*me, h);
            return;
        }
        dead_entries gone;
        bool fence = false;
        {
            const std::lock_guard lock(s.mutex);
            gone = bury_in(s.dead, h);
            fence = is_worth_a_fence(s.dead);
        }
        free(gone);
        if (fence) {
            reclaim(s);
        }
    }

    void bury_entry(reader& me, value_header& h) noexcept {
        this->readers_.see_the_era(me);
        free(bury_in(me.dead, h));
        if (is_worth_a_fence(me.dead)) {
            reclaim_entries(take(me.dead));
        }
    }

    // As discount(); many arrays that wait are tried once more before.
    [[nodiscard]] bool discount_and_reclaim(shard_type& s) noexcept {
        {
            const std::lock_guard lock(s.mutex);
            forget_left(s);
            if (!is_worth_a_fence(s.left)) {
                return discount(s);
            }
        }
        reclaim(s);
        const std::lock_guard lock(s.mutex);
        return discount(s);
    }

    template <std::size_t... I>
    [[nodiscard]] static std::array<shard_type, sizeof...(I)>
    make_shards(const typename shard_type::slots& in, std::index_sequence<I...>) {
        return {((void)I, shard_type(in))...};
    }
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
