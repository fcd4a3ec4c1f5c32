// SPDX-License-Identifier: Apache-2.0
//
// The one concurrent weak table behind every cache of ibid: find, make once, share, end exactly.
//
// It knows entries by a traits type only, and so serves values that ibid counts and values that somebody else counts:
//
//     struct traits {
//         using entry = …;                                  // derives from entry_word
//         using key = …;                                    // what a flight in the air is known by
//         static bool equal(const entry&, const K&);        // the whole key; K: key, and whatever lookups are given
//         static bool equal(const key&, const K&);
//         static bool try_acquire(entry&) noexcept;         // a reference, unless it is ending
//         static void acquire(entry&) noexcept;             // one more, by somebody who has one
//         static void release(entry&) noexcept;             // may end the value, and then calls forget(); may be without noexcept
//         static std::size_t weight(const entry&) noexcept; // bytes, for the retention budget
//         static void weigh(entry&, const K&) noexcept;     // of one to be inserted (insert_or_acquire alone): so that weight() knows
//         static std::size_t saved(const entry&) noexcept;  // bytes of key that a hit need not work through again
//     };
//
// and, for values that ibid counts (value_header), what owned_entry.h has beside these.
//
// Laws, and where they come from:
//  - One value. All changes on one hash happen under one shard's lock; a key is linked by the leader of its flight, or by who
//    comes with a value that is made (insert_or_acquire), and either only when no entry of that key could be acquired; no key
//    is made in both ways. An entry that could not be acquired was
//    ending: no handle to it is left, or ever will be.
//  - A hit without a lock (peek) is a reference that was taken while the value lived. Whether the entry still stood in the table
//    does not matter then: as long as that value lives, no other of its key is made. A miss without a lock means nothing.
//  - A failed try is the last one. X509_up_ref on a dying object raises its count, so a second try would succeed: the
//    entry is unlinked under the same lock that the first try was made under.
//  - Memory of a linked entry is valid under its shard's lock: whoever ends a value calls forget() before it gives the
//    entry's memory back, and forget() takes that lock. What readers without a lock may be looking at waits until they have
//    been seen outside (reclaimer.h).
//  - `make`, destructors, and releases run outside of every lock.
//  - The table outlives the cache as long as entries need it: forget() of the last one frees it.
//  - A table that nobody reads without a lock, and that counts elsewhere, fits in one page: a process that forks to serve one
//    connection copies each page that it writes to.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "ibid/detail/counting/fork_locks.h"
#include "ibid/detail/counting/references.h"
#include "ibid/detail/retention/retained_entries.h"
#include "ibid/detail/table/flight.h"
#include "ibid/detail/table/reclaimer.h"
#include "ibid/statistics.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

template <class Traits, class Allocator = std::allocator<std::byte>>
class interner final : public reclaiming_shards<Traits, Allocator> {
    using base = reclaiming_shards<Traits, Allocator>;
    using base::allocator_, base::memory_, base::remaining_, base::shard_of, base::shards_, base::slots_;
    using base::retire_array, base::my_place, base::counters_of, base::uncount, base::release_table,
        base::owns_values, base::reads_without_lock, base::reclaim, base::shard_number;
    using base::unlink;
    using typename base::memory, typename base::shard_type;

public:
    using entry = typename Traits::entry;
    using key = typename Traits::key;
    using flight_type = flight<entry, key>;
    static constexpr bool drops_quietly = retained_entries<Traits>::drops_quietly;

    // A reference that the caller has from now on, and where it is counted; or none.
    struct acquired {
        entry* found = nullptr;
        counted_in where = counted_in::central;
    };

    // `counters`: where to count; null: behind the table itself. A block given from outside must outlive the table, and is
    // exact at every moment: whoever reads it does not ask the readers. So every hit is then counted under a lock.
    [[nodiscard]] static interner* create(const Allocator& allocator, counter_block* counters = nullptr) {
        typename memory::block* const block = memory::allocate(allocator, lines(counters == nullptr));
        auto* const at = static_cast<unsigned char*>(memory::first_line(block));
        const bool counts_itself = counters == nullptr;
        if (counts_itself) {
            counters = ::new (static_cast<void*>(at + sizeof(interner))) counter_block();
        }
        // The constructor does not throw.
        auto* const self = ::new (static_cast<void*>(at)) interner(allocator, *counters, counts_itself);
        self->memory_ = block;
        return self;
    }

    // The cache goes. Entries that handles keep alive keep the table alive; the last of them frees it.
    void close() noexcept {
        retain(
            {}); // and not only drop what is kept: destructors that intern would have their entries kept for ever
        for (shard_type& s : shards_) {
            const std::lock_guard lock(s.mutex);
            s.closed = true;
            remaining_.fetch_add(s.entries, std::memory_order_relaxed);
        }
        release_table(); // the guard with which remaining_ began
    }

    // What is found without waiting for anybody. None: it is not there, or could not be seen; find() and begin() know.
    // `k` is anything that Traits::equal can compare with an entry. `gives_up`: it does not even look on a thread whose latest looks
    // were all in vain; for callers to whom a hit under the lock costs no more than the lock.
    template <bool gives_up, class K>
    [[nodiscard, gnu::always_inline]] acquired peek(std::uint64_t hash, const K& k) {
        if constexpr (!reads_without_lock) {
            return {find(hash, k)};
        } else {
            participant* const me = this_participant();
            if (me == nullptr) {
                return {find(hash, k)};
            }
            if (gives_up && me->recently_missed()) [[unlikely]] {
                this->domain_.quiesce(*me);
                return {};
            }
            const acquired a = try_lookup(shard_of(hash), hash, *me);
            bool same = false;
            try { // a key that is made for the comparison may lack memory
                same = a.found != nullptr && Traits::equal(*a.found, k);
            } catch (...) {
                missed(a, *me);
                throw;
            }
            if (!same) {
                missed(a, *me);
                return {};
            }
            if constexpr (!Traits::saves_alike) {
                bump(me->counters.bytes_not_parsed, Traits::saved(*a.found));
            }
            if (me->lookups() % lookups_per_sample == 0) [[unlikely]] {
                this->domain_.quiesce(*me);
                sample(*a.found);
            }
            touched(*a.found);
            return a;
        }
    }

    // An acquired entry, or null.
    template <class K>
    [[nodiscard]] entry* find(std::uint64_t hash, const K& k) {
        shard_type& s = shard_of(hash);
        entry* found = nullptr;
        {
            const std::lock_guard lock(s.mutex);
            found = s.acquire(hash, k);
            if (found != nullptr) {
                count_hit(s, *found);
            }
        }
        if (found != nullptr) {
            touched(*found);
        }
        return found;
    }

    // Either an acquired entry, or null: then `f` is in the air, and the caller makes the value and ends the flight with
    // publish() or abandon(). Waits while another thread makes the same key. Throws recursive_make, bad_alloc.
    [[nodiscard]] entry* begin(flight_type& f) {
        shard_type& s = shard_of(f.hash);
        for (;;) {
            waiter<entry> w;
            bool joined = false; // from then on, `w` is the leader's until it has landed
            bool leads = false;
            bool waits = false; // something to be freed
            {
                const std::lock_guard lock(s.mutex);
                if (entry* const found = s.acquire(f.hash, *f.key)) {
                    count_hit(s, *found);
                    w.result = found;
                } else if (flight_type* const other = s.flight_for(f.hash, *f.key)) {
                    other->add_waiter(w);
                    joined = true;
                } else {
                    waits = retire_array(
                        s, s.table.reserve(s.flights_in_air + 1)); // so that publish() cannot fail
                    f.next = s.flights;
                    s.flights = &f;
                    ++s.flights_in_air;
                    bump(counters_of(my_place(), s).misses);
                    leads = true;
                }
            }
            if (waits) {
                reclaim(s);
            }
            if (leads) {
                return nullptr;
            }
            if (joined) {
                w.wait();
                // The leader touches `w` under this lock, to the end of its notify_one: once it is ours, `w` may go.
                const std::lock_guard lock(s.mutex);
                if (w.result != nullptr) {
                    count_hit(s, *w.result);
                }
            }
            if (w.result != nullptr) {
                touched(*w.result);
                return w.result;
            }
        }
    }

    // The value of flight `f` is made: `e`, of which the caller holds a reference and keeps it.
    void publish(flight_type& f, entry& e) noexcept(drops_quietly) {
        shard_type& s = shard_of(f.hash);
        {
            const std::lock_guard lock(s.mutex);
            insert_entry(s, e, f.hash, counters_of(my_place(), s));
            s.remove(f);
            for (waiter<entry>* w = f.waiters; w != nullptr; w = w->next) {
                Traits::acquire(e); // one for each of them, before any of them can run
            }
            f.finish(&e);
        }
        admitted(e);
    }

    // The make of flight `f` failed. The table is as it was before begin().
    void abandon(flight_type& f) noexcept {
        shard_type& s = shard_of(f.hash);
        const std::lock_guard lock(s.mutex);
        s.remove(f);
        f.finish(nullptr);
    }

    // begin() and publish() in one, for a value that is there already: takes `e` in, of which the caller holds a reference, and
    // returns null; or returns an acquired entry of the same key. Waits and throws as begin() does.
    [[nodiscard]] entry* insert_or_wait(flight_type& f, entry& e) {
        shard_type& s = shard_of(f.hash);
        counter_stripe& counters = counters_of(my_place(), s);
        bool landed = false;
        bool waits = false;
        {
            const std::lock_guard lock(s.mutex);
            if (s.flights == nullptr && s.table.find(f.hash, [](const entry&) { return true; }) == nullptr) {
                waits = retire_array(s, s.table.reserve(1));
                bump(counters.misses);
                insert_entry(s, e, f.hash, counters);
                landed = true;
            }
        }
        if (waits) {
            reclaim(s);
        }
        if (!landed) {
            if (entry* const found = begin(f)) {
                return found;
            }
            publish(f, e);
        } else {
            admitted(e);
        }
        return nullptr;
    }

    // For values that are made before anybody asks whether they are wanted: nobody waits. Takes `e` in, of which the caller holds a
    // reference and keeps it, and returns null; or returns an acquired entry of the same key, which came first, and leaves `e` as it
    // was. One lookup: a miss when `e` went in, else a hit that saved no bytes. Throws bad_alloc; then `e` is not in, and nothing
    // is counted.
    template <class K>
    [[nodiscard]] entry* insert_or_acquire(entry& e, std::uint64_t hash, const K& k) {
        shard_type& s = shard_of(hash);
        counter_stripe& counters = counters_of(my_place(), s);
        entry* found = nullptr;
        bool waits = false;
        {
            const std::lock_guard lock(s.mutex);
            found = s.acquire(hash, k);
            if (found != nullptr) {
                bump(counters.hits);
            } else {
                waits = retire_array(s, s.table.reserve(s.flights_in_air + 1));
                bump(counters.misses);
                insert_entry(s, e, hash, counters);
            }
        }
        if (waits) {
            reclaim(s);
        }
        if (found != nullptr) {
            touched(*found);
        } else if (!retained_.off()) {
            retained_.admit(e, [&k](entry& made) noexcept { Traits::weigh(made, k); });
        }
        return found;
    }

    // Whether an entry of this hash stands here. Writes nothing, and takes no lock: for a process that has one thread.
    [[nodiscard]] bool may_have(std::uint64_t hash) const noexcept {
        return shards_[shard_number(hash)].table.find(hash, [](const entry&) { return true; }) != nullptr;
    }

    // A lookup of `hash` that found nothing and will not end in an insert.
    void count_miss(std::uint64_t hash) noexcept {
        shard_type& s = shard_of(hash);
        const std::lock_guard lock(s.mutex);
        bump(counters_of(my_place(), s).misses);
    }

    // For retention: what `e` weighs has become known after it was found. The caller holds a reference.
    void touch(entry& e) noexcept(drops_quietly) { touched(e); }

    // Takes `e` out, so that it is never found again; its holders keep it. False when it was out already.
    bool detach(entry& e) noexcept {
        static_assert(!reads_without_lock, "who looks without a lock may find it a moment longer");
        shard_type& s = shard_of(e.hash());
        const std::lock_guard lock(s.mutex);
        if (!s.table.erase(e)) {
            return false;
        }
        bump(s.counters->detached);
        return true;
    }

    // The same for every entry that `which` chooses, dying ones included; allocates nothing. `which` runs under a lock.
    template <class Predicate>
    void detach_if(Predicate which) noexcept {
        static_assert(!reads_without_lock);
        for (shard_type& s : shards_) {
            const std::lock_guard lock(s.mutex);
            while (entry* const e = s.table.find_if(which)) {
                s.table.erase(*e);
                bump(s.counters->detached);
            }
        }
    }

    // From now on nothing is found and nothing is linked. Entries stay with their holders, and each still ends in forget();
    // for a table whose owner can no longer promise that every end is told.
    void stop() noexcept {
        static_assert(!reads_without_lock);
        for (shard_type& s : shards_) {
            const std::lock_guard lock(s.mutex);
            s.stopped = true;
            s.table.clear();
        }
    }

    // The value of `e`, which somebody else counts, has ended. After this nobody can reach the entry through the table, nor
    // the table through the entry. Exactly once for each published entry.
    void forget(entry& e) noexcept {
        shard_type& s = shard_of(e.hash());
        bool closed = false;
        {
            const std::lock_guard lock(s.mutex);
            unlink(s, e, *s.counters);
            closed = uncount(s);
        }
        if (closed) {
            release_table();
        }
    }

    // Calls f(entry&) for every entry that is alive; each is held during its call, and no lock is. Entries that come or
    // go meanwhile may be seen or not. Throws bad_alloc, and what f throws.
    template <class Function>
    void for_each(Function f) {
        for (shard_type& s : shards_) {
            holding held;
            for (bool all = false; !all;) {
                std::size_t needed = 0;
                {
                    const std::lock_guard lock(s.mutex);
                    needed = s.table.size();
                    all = held.entries.capacity() >= needed;
                    if (all) {
                        s.acquire_all(held.entries);
                    }
                }
                if (!all) {
                    held.entries.reserve(needed + needed / 8);
                }
            }
            for (entry* const e : held.entries) {
                f(*e);
            }
        }
    }

    void retain(retention budget) noexcept(drops_quietly) { retained_.set_budget(budget); }
    [[nodiscard]] retention budget() const noexcept { return retained_.budget(); }
    void protect(entry& e) noexcept(drops_quietly) { retained_.protect(e); }
    // Lets go of all that is kept, and of memory that waits for readers, but for what other threads that live have buried.
    void drop_retained() noexcept(drops_quietly) {
        retained_.drop_all();
        base::reclaim_all();
    }
    template <class Predicate>
    void drop_retained_if(Predicate which) noexcept(drops_quietly) {
        retained_.drop_if(which);
    }

    [[nodiscard]] statistics count() const noexcept {
        statistics_sum all;
        const auto for_each_stripe = [this](auto f) {
            std::ranges::for_each(*counters_, f);
            if constexpr (reads_without_lock) {
                this->domain_.for_each_place([&f](const participant& r) { f(r.counters); });
            }
        };
        for_each_stripe([&all](const counter_stripe& s) { all.add_ends(s); });
        for_each_stripe([&all](const counter_stripe& s) { all.add_rest(s); });
        statistics total = all.total();
        if constexpr (reads_without_lock) {
            const std::uint64_t hits = this->domain_.hits();
            total.hits += hits;
            if constexpr (Traits::saves_alike) {
                total.bytes_not_parsed += hits * sizeof(key);
            }
        }
        return total;
    }

    // Around fork(), for tables inside a process that does not know of them. `first`: a lock of the owner's, which gives it back.
    void lock_for_fork(std::mutex* first = nullptr) noexcept {
        if constexpr (owns_values) {
            before_a_table_is_locked_for_fork();
        }
        if (first != nullptr) {
            first->lock();
        }
        for (shard_type& s : shards_) {
            s.mutex.lock();
        }
        slots_.lock();
        retained_.lock();
        if constexpr (owns_values) {
            lock_process_for_fork();
        }
    }
    void unlock_after_fork() noexcept {
        if constexpr (owns_values) {
            unlock_process_after_fork();
        }
        retained_.unlock();
        slots_.unlock();
        for (shard_type& s : shards_) {
            s.mutex.unlock();
        }
    }
    void forget_other_threads() noexcept { // in the child, between the two above
        for (shard_type& s : shards_) {
            s.forget_other_threads();
        }
        if constexpr (reads_without_lock) {
            this->domain_.forget_other_threads();
        }
    }

    [[nodiscard]] const Allocator& allocator() const noexcept { return allocator_; }

private:
    static constexpr std::uint64_t lookups_per_sample =
        64; // of one thread; entry_word::samples_to_promote samples make a value hot

    // The entries that for_each holds, released when their shard is done or f has thrown.
    struct holding {
        std::vector<entry*> entries;
        ~holding() {
            for (entry* const e : entries) {
                Traits::release(*e);
            }
        }
    };

    friend base; // for release_table()
    [[nodiscard]] static constexpr std::size_t lines(bool counts_itself) noexcept {
        return (sizeof(interner) + (counts_itself ? sizeof(counter_block) : 0)) / 64;
    }
    [[nodiscard]] std::size_t lines() const noexcept { return lines(counts_itself_); }

    interner(const Allocator& allocator, counter_block& counters, bool counts_itself) noexcept
        : base(allocator), counters_(&counters), counts_itself_(counts_itself), retained_(counters[0]) {
        for (std::size_t i = 0; i < shards_.size(); ++i) {
            shards_[i].counters = &(*counters_)[i];
        }
    }
    ~interner() = default;
    friend void std::destroy_at<interner>(interner*);

    // Under the shard's lock, with room reserved.
    void insert_entry(shard_type& s, entry& e, std::uint64_t hash, counter_stripe& counters) noexcept {
        e.set_hash(hash);
        if (!s.stopped && fits_a_slot(&e)) {
            s.table.insert(e, hash);
        }
        ++s.entries;
        bump(counters.inserts);
    }

    void count_hit(shard_type& s, entry& e) noexcept {
        s.count_hit(e);
        if (participant* const me = my_place(); me != nullptr) {
            me->found_under_lock();
        }
    }
    void touched(entry& e) noexcept(drops_quietly) {
        if (!retained_.off()) {
            retained_.touch(e);
        }
    }
    void admitted(entry& e) noexcept(drops_quietly) {
        if (!retained_.off()) {
            retained_.admit(e);
        }
    }

    // Looking without a lock.

    [[nodiscard]] participant* this_participant() noexcept {
        participant* const r = this->domain_.here();
        return r != nullptr ? r : register_thread();
    }
    [[gnu::noinline]] participant* register_thread() noexcept {
        bool fresh = false;
        participant* const r = counts_itself_ ? this->domain_.join(fresh) : nullptr;
        if (fresh) {
            for (shard_type& s : shards_) {
                const std::lock_guard pass(s.mutex); // see qsbr_domain.h
            }
        }
        return r;
    }

    [[nodiscard, gnu::always_inline]] acquired try_lookup(shard_type& s, std::uint64_t hash,
                                                          participant& me) noexcept {
        const read_guard now(me);
        std::uint64_t word = 0;
        entry* const e = s.table.peek(hash, word);
        if (e == nullptr) {
            return {};
        }
        // While this thread is inside, the entry's memory stays, and with it its place among the hot values.
        if (const counted_in where = where_new_references_count(word);
            where != counted_in::central && the_hot_values.add(word, where, 1)) [[unlikely]] {
            return {e, where};
        }
        return Traits::try_acquire(*e) ? acquired{e, counted_in::central} : acquired{};
    }

    // Nothing, or, where two keys have one hash, another key's entry.
    [[gnu::noinline]] void missed(const acquired& a, participant& me) noexcept {
        me.count_miss();
        this->domain_.quiesce(me);
        if (a.found != nullptr) {
            a.found->value_header::release(a.where);
        }
    }

    // The caller's reference to `e` was found without a lock, and its turn has come to be looked at more closely: was it
    // another thread that did so last?
    [[gnu::noinline]] void sample(entry& e) noexcept {
        const std::uint64_t word = e.word();
        const unsigned times = entry_word::generation(word);
        const bool was_hot = times != 0; // then the tag is not a thread, and all threads count
        const unsigned tag = was_hot ? entry_word::cell(word) : number_of_this_thread();
        if ((word & entry_word::hot) != 0 || times == entry_word::last_generation ||
            (!was_hot && tag == entry_word::cell(word))) {
            return;
        }
        if (entry_word::samples(word) < entry_word::samples_to_promote) {
            e.mark(word, {false, times, entry_word::samples(word) + 1, tag});
        } else if (!the_hot_values.promote(e)) {
            e.mark(word, {false, times, 0, tag}); // no place just now: asked again after as many samples
        }
    }

    counter_block* const counters_;
    const bool counts_itself_;
    retained_entries<Traits> retained_;
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
