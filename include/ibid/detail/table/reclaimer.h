// SPDX-License-Identifier: Apache-2.0
//
// The shards of a table, and the way of memory out of them: entries that have ended, arrays of slots that were outgrown, and at
// last the table itself.
//
// Laws:
//  - What readers without a lock may be looking at waits until they have been seen outside (qsbr_domain.h): entries in the limbo of
//    the thread that buried them, or of their shard; arrays in a list of their shard. Whoever buries the next frees what is reclaimable; what is
//    left when the table ends, or is trimmed, goes then.
//  - An entry keeps the table up to its last step. It is counted until then; or a thread's place says, before the entry is no longer
//    counted, that this thread is in the last steps of one (participant::pin_table), which saves it the lock a second time. After
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
    using retired_array = typename shard_type::retired_array;
    using retired_arrays = typename shard_type::retired_arrays;
    using memory = cache_lines<Allocator>;

    static constexpr bool owns_values = table_base_of<Traits>::owns_values;
    static constexpr bool reads_without_lock = table_base_of<Traits>::reads_without_lock;

    explicit reclaiming_shards(const Allocator& allocator) noexcept
        : base(operations()), slots_(allocator, reads_without_lock),
          shards_(
              make_shards(typename shard_type::slots(slots_), std::make_index_sequence<counter_stripes>{})),
          allocator_(allocator) {}
    ~reclaiming_shards() {
        for (shard_type& s : shards_) {
            free(take(s.limbo));
            free(s, std::exchange(s.outgrown, {}).first);
        }
        if constexpr (owns_values) {
            this->domain_.for_each_place([this](participant& r) { free(take(r.limbo)); });
        }
    }

    [[nodiscard]] std::size_t shard_number(std::uint64_t hash) const noexcept {
        return (hash >> 44) %
               counter_stripes; // neither the bits that choose a slot, nor those that stand in it
    }
    [[nodiscard]] shard_type& shard_of(std::uint64_t hash) noexcept { return shards_[shard_number(hash)]; }

    void release_table() noexcept {
        // Release: everything this thread did to the table happens before its end; acquire on the last: everybody's did.
        if (remaining_.fetch_sub(1, std::memory_order_acq_rel) == 1 && !pinned_by_a_thread()) {
            auto& whole = static_cast<interner<Traits, Allocator>&>(*this);
            const Allocator allocator = allocator_;
            typename memory::block* const block = memory_;
            const std::size_t lines = whole.lines();
            std::destroy_at(&whole);
            memory::free(allocator, block, lines);
        }
    }

    // Under the shard's lock. The entry no longer keeps the table. True: but the closed table waits for it to release_table().
    [[nodiscard]] bool uncount(shard_type& s) noexcept {
        --s.entries;
        return s.closed;
    }

    // Under the shard's lock.
    void unlink(shard_type& s, entry& e, counter_stripe& counters) noexcept {
        s.table.erase(e);
        bump(counters.evictions);
        if (s.outgrown.first && single_reader()) {
            free_outgrown(s);
        }
        if (s.table.could_shrink(s.flights_in_air)) {
            free_outgrown(s);
            if (!is_worth_a_fence(
                    s.outgrown)) { // else each turn from growing to shrinking would leave an array more
                (void)retire_array(s, s.table.shrink());
            }
        }
    }

    // This thread's place; null: it has none.
    [[nodiscard]] participant* my_place() const noexcept {
        if constexpr (reads_without_lock) {
            return this->domain_.known_here();
        } else {
            return nullptr;
        }
    }

    // Where who has this place counts what it does to a shard, under its lock: there, from where nobody else takes the line.
    [[nodiscard]] static counter_stripe& counters_of(participant* me, shard_type& s) noexcept {
        return reads_without_lock && me != nullptr ? me->counters : *s.counters;
    }

    // Under the shard's lock: slots that the table has left. Whether so many wait that the caller reclaims them at once. As tables
    // double, what waits is less than the table itself; so to wait is what small ones do, until all readers have seen an epoch.
    [[nodiscard]] bool retire_array(shard_type& s, retired_array a) noexcept {
        if (!a) {
            return false;
        }
        if constexpr (reads_without_lock) {
            if (!single_reader()) {
                free_outgrown(s);
                s.table.push(s.outgrown.first, a);
                s.outgrown.slots += a.capacity;
                s.outgrown.epoch = this->domain_.begin_epoch();
                return is_worth_a_fence(s.outgrown);
            }
        }
        s.table.free(a);
        return false;
    }

    void reclaim(shard_type& s) noexcept {
        if constexpr (reads_without_lock) {
            retired_entries gone;
            retired_arrays left;
            {
                const std::lock_guard lock(s.mutex);
                free_outgrown(s);
                gone = take(s.limbo);
                left = std::exchange(s.outgrown, {});
            }
            if (!left.first) {
                reclaim_entries(gone);
            } else if (single_reader() || this->domain_.barrier_and_all_outside()) {
                free(s, left.first);
                free(gone);
            } else {
                const std::lock_guard lock(s.mutex);
                while (left.first) {
                    s.table.push(s.outgrown.first, s.table.pop(left.first));
                }
                s.outgrown.slots += left.slots;
                s.outgrown.epoch = std::max(s.outgrown.epoch, left.epoch);
                append(s.limbo.open, gone);
            }
        }
    }

    // All that waits here, but for what other threads that live have buried.
    void reclaim_all() noexcept {
        if constexpr (reads_without_lock) {
            for (shard_type& s : shards_) {
                reclaim(s);
            }
            retired_entries left;
            this->domain_.for_each_vacant_limbo([&](limbo_list& of) { append(left, take(of)); });
            if (participant* const me = my_place(); me != nullptr) {
                append(left, take(me->limbo));
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
    [[nodiscard]] bool pinned_by_a_thread() noexcept {
        if constexpr (reads_without_lock) {
            remaining_.store(1, std::memory_order_relaxed); // this thread stays as long as it counts
            this->domain_.for_each_place([this](participant& r) {
                remaining_.fetch_add(1, std::memory_order_relaxed);
                if (!r.pass_to_pin()) {
                    remaining_.fetch_sub(1, std::memory_order_relaxed);
                }
            });
            return remaining_.fetch_sub(1, std::memory_order_acq_rel) != 1;
        } else {
            return false;
        }
    }

    // Under a lock that this thread has passed, or passes now, to make something unreachable.
    [[nodiscard]] bool single_reader() const noexcept {
        if constexpr (reads_without_lock) {
            return this->domain_.single_reader();
        } else {
            return true;
        }
    }

    // Under the shard's lock: arrays that nobody can be looking at any more.
    void free_outgrown(shard_type& s) noexcept {
        if constexpr (reads_without_lock) {
            if (s.outgrown.first && (single_reader() || this->domain_.all_quiesced_since(s.outgrown.epoch))) {
                free(s, std::exchange(s.outgrown, {}).first);
            }
        }
    }
    [[nodiscard]] static bool is_worth_a_fence(const retired_arrays& left) noexcept {
        return left.slots >= slots_worth_a_fence;
    }
    static void free(shard_type& s, retired_array gone) noexcept {
        while (gone) {
            s.table.free(s.table.pop(gone));
        }
    }
    void free(const retired_entries& gone) noexcept {
        if constexpr (owns_values) {
            for (value_header* h = gone.first; h != nullptr;) {
                value_header* const next = h->next_retired;
                free(static_cast<entry&>(*h), allocator_);
                h = next;
            }
        }
    }
    static void free(entry& e, const Allocator& allocator) noexcept {
        if (const std::uint64_t word = e.word(); entry_word::generation(word) != 0) {
            the_hot_values.vacate(word);
        }
        Traits::free(e, allocator);
    }

    // What waits in a limbo, for its owner.

    static void add(retired_entries& to, value_header& h) noexcept {
        const bool once_hot = entry_word::generation(h.word()) != 0;
        h.next_retired = nullptr;
        append(to, {&h, &h, 1, once_hot ? 1U : 0U});
    }
    static void append(retired_entries& to, const retired_entries& from) noexcept {
        if (from.first == nullptr) {
            return;
        }
        from.last->next_retired = std::exchange(to.first, from.first);
        to.last = to.last != nullptr ? to.last : from.last;
        to.count += from.count;
        to.once_hot += from.once_hot;
    }
    [[nodiscard]] static retired_entries take(limbo_list& of) noexcept {
        retired_entries all = std::exchange(of.sealed, {});
        append(all, std::exchange(of.open, {}));
        return all;
    }

    // Puts a dead entry there, and takes out those that all readers are known to have passed.
    [[nodiscard]] retired_entries add_retired(limbo_list& in, value_header& h) noexcept {
        add(in.open, h);
        retired_entries reclaimable;
        if (in.open.count % full_at(Traits::bytes()) == 0 &&
            (in.sealed.first == nullptr || this->domain_.all_quiesced_since(in.epoch))) {
            reclaimable = std::exchange(in.sealed, std::exchange(in.open, {}));
            in.epoch = this->domain_.begin_epoch();
        }
        return reclaimable;
    }
    [[nodiscard]] static bool is_worth_a_fence(const limbo_list& of) noexcept {
        return (of.open.count % full_at(Traits::bytes()) == 0 &&
                of.open.count >= worth_a_fence_at(Traits::bytes())) ||
               of.sealed.once_hot + of.open.once_hot >= hot_worth_a_fence;
    }

    // Frees these, unless somebody is looking just now: then they wait on, in the shard's or this thread's limbo.
    void reclaim_entries(retired_entries gone) noexcept {
        if (gone.first == nullptr) {
            return;
        }
        if (single_reader() || this->domain_.barrier_and_all_outside()) {
            free(gone);
        } else if (participant* const me = my_place(); me != nullptr) {
            append(me->limbo.open, gone);
        } else {
            const std::lock_guard lock(shards_[0].mutex);
            append(shards_[0].limbo.open, gone);
        }
    }

    // What a value_owner does.

    [[nodiscard]] static const value_operations& operations() noexcept {
        static constexpr value_operations its{[](value_owner& self, value_header& h) noexcept {
                                                  if constexpr (owns_values) {
                                                      static_cast<reclaiming_shards&>(self).end_value(h);
                                                  }
                                              },
                                              [](value_owner& self, value_header& h) noexcept {
                                                  if constexpr (owns_values) {
                                                      static_cast<reclaiming_shards&>(self).retire_memory(h);
                                                  }
                                              }};
        return its;
    }

    void end_value(value_header& h) noexcept {
        entry& e = static_cast<entry&>(h);
        shard_type& s = shard_of(e.hash());
        const Allocator allocator = allocator_;
        participant* const me = my_place();
        bool now = false;
        bool takes_last_steps = false;
        bool closed = false;
        {
            const std::lock_guard lock(s.mutex);
            unlink(s, e, counters_of(me, s));
            // Acquire: what a weak reference did with the memory happened before (pairs with release_weak()). Without one
            // there will not be one again.
            if (h.weak.load(std::memory_order_acquire) == 1) {
                now = single_reader();
                takes_last_steps =
                    !now && me != nullptr && !is_worth_a_fence(s.outgrown) && me->pin_table(s.closed);
                closed = (now || takes_last_steps) && uncount(s);
            }
        }
        Traits::destroy(e);
        if (now) {
            free(e, allocator);
        } else if (takes_last_steps) {
            retire(*me, h);
            closed = me->unpin_table();
        } else {
            h.release_weak();
        }
        if (closed) {
            release_table();
        }
    }

    void retire_memory(value_header& h) noexcept {
        entry& e = static_cast<entry&>(h);
        shard_type& s = shard_of(e.hash());
        const Allocator allocator = allocator_;
        if (single_reader()) { // also now that the lock, which the unlinker passed, is behind us: see qsbr_domain.h
            bool closed = false;
            {
                const std::lock_guard lock(s.mutex);
                closed = uncount(s);
            }
            free(e, allocator);
            if (closed) {
                release_table();
            }
            return;
        }
        if constexpr (reads_without_lock) {
            retire(s, h);
            if (uncount_and_reclaim(s)) {
                release_table();
            }
        }
    }

    // Where this thread buries, and frees what is reclaimable there, or too much to wait.
    void retire(shard_type& s, value_header& h) noexcept {
        if (participant* const me = my_place(); me != nullptr) {
            retire(*me, h);
            return;
        }
        retired_entries gone;
        bool fence = false;
        {
            const std::lock_guard lock(s.mutex);
            gone = add_retired(s.limbo, h);
            fence = is_worth_a_fence(s.limbo);
        }
        free(gone);
        if (fence) {
            reclaim(s);
        }
    }

    void retire(participant& me, value_header& h) noexcept {
        this->domain_.quiesce(me);
        free(add_retired(me.limbo, h));
        if (is_worth_a_fence(me.limbo)) {
            reclaim_entries(take(me.limbo));
        }
    }

    // As uncount(); many arrays that wait are tried once more before.
    [[nodiscard]] bool uncount_and_reclaim(shard_type& s) noexcept {
        {
            const std::lock_guard lock(s.mutex);
            free_outgrown(s);
            if (!is_worth_a_fence(s.outgrown)) {
                return uncount(s);
            }
        }
        reclaim(s);
        const std::lock_guard lock(s.mutex);
        return uncount(s);
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
