// SPDX-License-Identifier: Apache-2.0
//
// Frees entries and arrays of slots once no lock-free reader can see them. A member of the interner; the
// shape is that of a reclamation domain (compare P2545's rcu_domain):
//
//     auto guard = r.guard(me);     // around a lookup
//     r.quiesce(me);                // between two lookups
//     r.retire(…);                  // what was unlinked waits; frees what waited long enough
//     r.reclaim(shard);             // frees what waits in a shard, with a heavy fence if need be
//
// Where retired memory waits: an entry waits in the limbo list of the participant that retired it, or of its
// shard if that thread has never read. An outgrown array waits in a list of its shard. Retiring frees what
// has become reclaimable. A trim, or the end of the table, frees the rest.
//
// Invariants:
//  - Waiting is bounded: at worth_a_fence_at() entries or slots_worth_a_fence slots, a heavy fence is tried.
//  - Nothing is freed under a lock except arrays of slots.
//
// Thread safety: "under the lock" means the lock of the shard that is passed. All else may be called by any
// thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "ibid/detail/base/few_includes.h"
#include "ibid/detail/base/mechanisms.h"
#include "ibid/detail/base/mutex.h"
#include "ibid/detail/counting/hot_values.h"
#include "ibid/detail/counting/value_header.h"
#include "ibid/detail/port/compiled.h"
#include "ibid/detail/reclamation/limbo_list.h"
#include "ibid/detail/reclamation/qsbr_domain.h"
#include "ibid/detail/table/weak_table.h"
#include "ibid/statistics.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

// Traits: entry, which is or derives from value_header; bytes(allocator), of an entry;
// saved_alike(allocator), bytes of key that each hit saves, or 0; free(entry, allocator, hot values).
template <class Traits, class Allocator>
class reclaimer {
    using entry = typename Traits::entry;
    using retired_array = typename weak_table<entry, Allocator>::retired_array;

public:
    static constexpr bool reads_without_lock = true;

    // What waits in a shard, under its lock.
    struct waiting {
        retired_array outgrown;  // a list
        std::size_t slots = 0;   // of all arrays in it
        std::uint64_t epoch = 0; // all arrays were unreachable before
        limbo_list limbo;        // entries retired by threads that never read

        [[nodiscard]] bool worth_a_fence() const noexcept { return slots >= slots_worth_a_fence; }
    };

    // Requires owned_values::prepare().
    explicit reclaimer(const Allocator& allocator) noexcept
        : full_at_(full_at(Traits::bytes(allocator))),
          worth_a_fence_at_(worth_a_fence_at(Traits::bytes(allocator))), allocator_(allocator) {}
    reclaimer(const reclaimer&) = delete;
    reclaimer& operator=(const reclaimer&) = delete;
    ~reclaimer() = default; // after free_all()

    // --- readers -------------------------------------------------------------------------------------------

    // This thread's record. Null: it has none. known_here() searches all records of the thread; here()
    // searches only those used lately.
    [[nodiscard]] participant* here() const noexcept { return domain_.here(); }
    [[nodiscard]] participant* known_here() const noexcept { return domain_.known_here(); }

    // Makes this thread a participant. `pass_locks` takes each shard's lock once (qsbr_domain::join()). Null:
    // look up under the lock.
    template <class PassLocks>
    [[nodiscard]] participant* join(PassLocks pass_locks) noexcept {
        bool fresh = false;
        participant* const me = domain_.join(fresh);
        if (fresh) {
            pass_locks();
        }
        return me;
    }

    [[nodiscard]] read_guard guard(participant& me) const noexcept { return read_guard(me); }
    void quiesce(participant& me) const noexcept { domain_.quiesce(me); }

    // Call under a lock that the caller took to unlink something, or has taken since then.
    [[nodiscard]] bool single_reader() const noexcept { return domain_.single_reader(); }

    // --- counters ------------------------------------------------------------------------------------------

    // Where a thread counts what it does to a shard under its lock: a participant in a cache line of its own.
    template <class Shard>
    [[nodiscard]] static counter_stripe& counters_for(participant* me, Shard& s) noexcept {
        return has(mechanism::own_counters) && me != nullptr ? me->counters : *s.counters;
    }
    static void found_under_lock(participant* me) noexcept {
        if (me != nullptr) {
            me->found_under_lock();
        }
    }
    template <class Function>
    void for_each_stripe(Function f) const noexcept {
        domain_.for_each([&f](const participant& p) { f(p.counters); });
    }
    void add_hits(statistics& total) const noexcept {
        const std::uint64_t hits = domain_.hits();
        total.hits += hits;
        total.bytes_not_parsed += hits * Traits::saved_alike(allocator_);
    }

    // --- arrays, under the lock ----------------------------------------------------------------------------

    // True: so many arrays wait that the caller should call reclaim() after it has released the lock. (Tables
    // double, so all outgrown arrays together are smaller than the one in use. Small ones wait for their
    // epoch.)
    template <class Shard>
    [[nodiscard]] bool retire(Shard& s, retired_array a) noexcept IBID_REQUIRES(s.mutex) {
        return a && retire_outgrown(s, a);
    }
    template <class Shard>
    [[nodiscard, IBID_SELDOM]] bool retire_outgrown(Shard& s, retired_array a) noexcept
        IBID_REQUIRES(s.mutex) {
        if (single_reader()) {
            s.table.free(a);
            return false;
        }
        free_outgrown(s);
        s.table.push(s.waiting.outgrown, a);
        s.waiting.slots += a.capacity;
        s.waiting.epoch = domain_.begin_epoch();
        return s.waiting.worth_a_fence();
    }

    template <class Shard>
    void free_outgrown_if_single(Shard& s) noexcept IBID_REQUIRES(s.mutex) {
        if (s.waiting.outgrown && single_reader()) {
            free_outgrown(s);
        }
    }
    // While many arrays wait, a table does not shrink: otherwise each change from growing to shrinking would
    // leave one more array.
    template <class Shard>
    [[nodiscard]] bool may_shrink(Shard& s) noexcept IBID_REQUIRES(s.mutex) {
        free_outgrown(s);
        return !s.waiting.worth_a_fence();
    }

    // --- entries -------------------------------------------------------------------------------------------

    // True: this thread's record keeps the table, so the entry need not. retire_and_unpin()
    // must follow.
    template <class Shard>
    [[nodiscard]] static bool pin_table(participant* me, Shard& s) noexcept IBID_REQUIRES(s.mutex) {
        return has(mechanism::table_pin) && has(mechanism::own_limbo) && me != nullptr &&
               !s.waiting.worth_a_fence() && me->pin_table(s.closed);
    }
    // True: the caller must release the table. Otherwise the table, and this reclaimer with it, may be gone.
    [[nodiscard]] bool retire_and_unpin(participant* me, entry& e) noexcept {
        retire(*me, e);
        return me->unpin_table();
    }

    // Call without a lock; the entry, or a pin, keeps the table.
    template <class Shard>
    void retire(Shard& s, participant* me, entry& e) noexcept {
        if (has(mechanism::own_limbo) && me != nullptr) {
            retire(*me, e);
            return;
        }
        retired_entries gone;
        bool fence = false;
        {
            const lock_guard lock(s.mutex);
            gone = add(s.waiting.limbo, e);
            fence = worth_a_fence(s.waiting.limbo);
        }
        free(gone);
        if (fence) {
            reclaim(s);
        }
    }

    // --- reclaiming, without a lock ------------------------------------------------------------------------

    template <class Shard>
    [[IBID_SELDOM]] void reclaim(Shard& s) noexcept {
        retired_entries gone;
        waiting arrays;
        {
            const lock_guard lock(s.mutex);
            free_outgrown(s);
            gone = take(s.waiting.limbo);
            arrays = std::exchange(s.waiting, {});
        }
        if (!arrays.outgrown) {
            free_or_keep(s, gone);
        } else if (single_reader() || domain_.barrier_and_all_outside()) {
            free(s, arrays.outgrown);
            free(gone);
        } else {
            const lock_guard lock(s.mutex);
            while (arrays.outgrown) {
                s.table.push(s.waiting.outgrown, s.table.pop(arrays.outgrown));
            }
            s.waiting.slots += arrays.slots;
            s.waiting.epoch = greatest(s.waiting.epoch, arrays.epoch);
            append(s.waiting.limbo.open, gone);
        }
    }

    // Frees all that waits in this table, except what other live threads have retired.
    template <class Shards>
    [[gnu::noinline]] void reclaim_all(Shards& shards) noexcept {
        for (auto& s : shards) {
            reclaim(s);
        }
        retired_entries left;
        domain_.for_each_vacant_limbo([&left](limbo_list& of) { append(left, take(of)); });
        if (participant* const me = known_here(); me != nullptr) {
            append(left, take(me->limbo));
        }
        free_or_keep(shards[0], left);
    }

    // --- the end of the table ------------------------------------------------------------------------------

    // The table counts no entry any more, so no further entry will end. Stores in `remaining` how many
    // threads have pinned the table; false if there are none.
    [[nodiscard, IBID_SELDOM]] bool pinned_by_a_thread(std::atomic<std::size_t>& remaining) noexcept {
        remaining.store(1, std::memory_order_relaxed); // this thread, while it counts the pins
        domain_.for_each([&remaining](participant& p) {
            remaining.fetch_add(1, std::memory_order_relaxed);
            if (!p.pass_to_pin()) {
                remaining.fetch_sub(1, std::memory_order_relaxed);
            }
        });
        return remaining.fetch_sub(1, std::memory_order_acq_rel) != 1;
    }

    template <class Shards>
    [[IBID_SELDOM]] void
    free_all(Shards& shards) noexcept IBID_NO_THREAD_SAFETY_ANALYSIS { // no other thread has the table
        for (auto& s : shards) {
            free(take(s.waiting.limbo));
            free(s, std::exchange(s.waiting, {}).outgrown);
        }
        domain_.for_each([this](participant& p) { free(take(p.limbo)); });
    }

    void forget_other_threads() noexcept { domain_.forget_other_threads(); } // in the child of fork()

private:
    // On the thread of `me`. Frees what has become reclaimable there; if too much waits, with a heavy fence.
    [[gnu::noinline]] void retire(participant& me, entry& e) noexcept {
        quiesce(me);
        free(add(me.limbo, e));
        if (worth_a_fence(me.limbo)) {
            free_or_keep(me.limbo, take(me.limbo));
        }
    }

    // Frees arrays that no reader can see any more.
    template <class Shard>
    void free_outgrown(Shard& s) noexcept IBID_REQUIRES(s.mutex) {
        if (s.waiting.outgrown) {
            free_outgrown_unless_seen(s);
        }
    }
    template <class Shard>
    [[IBID_SELDOM]] void free_outgrown_unless_seen(Shard& s) noexcept IBID_REQUIRES(s.mutex) {
        if (single_reader() || domain_.all_quiesced_since(s.waiting.epoch)) {
            free(s, std::exchange(s.waiting.outgrown, {}));
            s.waiting.slots = 0;
        }
    }

    template <class Shard>
    [[IBID_SELDOM]] static void
    free(Shard& s,
         retired_array list) noexcept IBID_NO_THREAD_SAFETY_ANALYSIS { // writes to no slot of the shard
        while (list) {
            s.table.free(s.table.pop(list));
        }
    }
    void free(const retired_entries& gone) noexcept {
        if (gone.first != nullptr) {
            free_each(gone.first);
        }
    }
    [[gnu::noinline]] void free_each(value_header* h) noexcept {
        while (h != nullptr) {
            value_header* const next = h->next_retired;
            Traits::free(static_cast<entry&>(*h), allocator_, hot_);
            h = next;
        }
    }

    // Frees these entries. If a reader is inside a lookup now, they continue to wait, in this thread's list
    // or in the shard's.
    template <class Shard>
    [[IBID_SELDOM]] void free_or_keep(Shard& s, const retired_entries& gone) noexcept {
        if (gone.first == nullptr || free_if_unseen(gone)) {
            return;
        }
        if (participant* const me = known_here(); has(mechanism::own_limbo) && me != nullptr) {
            append(me->limbo.open, gone);
        } else {
            const lock_guard lock(s.mutex);
            append(s.waiting.limbo.open, gone);
        }
    }
    [[IBID_SELDOM]] void free_or_keep(limbo_list& mine, const retired_entries& gone) noexcept {
        if (!free_if_unseen(gone)) {
            append(mine.open, gone);
        }
    }
    [[nodiscard, IBID_SELDOM]] bool free_if_unseen(const retired_entries& gone) noexcept {
        const bool unseen = single_reader() || domain_.barrier_and_all_outside();
        if (unseen) {
            free(gone);
        }
        return unseen;
    }

    // --- limbo lists ---------------------------------------------------------------------------------------

    // Adds a retired entry, and takes out the entries that no participant can see any more.
    [[nodiscard]] retired_entries add(limbo_list& to, value_header& h) noexcept {
        h.next_retired = nullptr;
        append(to.open, {&h, &h, 1, entry_word::generation(h.word()) != 0 ? 1U : 0U});
        retired_entries reclaimable;
        if (to.open.count % full_at_ == 0 &&
            (to.sealed.first == nullptr || domain_.all_quiesced_since(to.epoch))) {
            reclaimable = std::exchange(to.sealed, std::exchange(to.open, {}));
            to.epoch = domain_.begin_epoch();
        }
        return reclaimable;
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
    [[nodiscard]] bool worth_a_fence(const limbo_list& of) const noexcept {
        return (of.open.count % full_at_ == 0 && of.open.count >= worth_a_fence_at_) ||
               of.sealed.once_hot + of.open.once_hot >= hot_worth_a_fence;
    }

    qsbr_domain domain_;
    const std::size_t full_at_; // entries: see limbo_list.h
    const std::size_t worth_a_fence_at_;
    hot_values& hot_ = hot_values::of_process(); // retired entries own cells there
    [[no_unique_address]] Allocator allocator_;
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
