// SPDX-License-Identifier: Apache-2.0
//
// The one concurrent weak table behind every cache of ibid: find, make once, share, end exactly.
//
// It knows entries by a traits type only, and so serves values that ibid counts and values that somebody else counts:
//
//     struct traits {
//         using entry = …;                                  // derives from entry_link
//         using key = …;                                    // what a flight in the air is known by
//         static bool equal(const entry&, const K&);        // the whole key; K: key, and whatever lookups are given
//         static bool equal(const key&, const K&);
//         static bool try_acquire(entry&) noexcept;         // a reference, unless it is ending
//         static void acquire(entry&) noexcept;             // one more, by somebody who has one
//         static void release(entry&) noexcept;             // may end the value, and then calls forget()
//         static std::size_t weight(const entry&) noexcept; // bytes, for the retention budget
//         static std::size_t saved(const entry&) noexcept;  // bytes of key that a hit need not work through again
//     };
//
// Laws, and where they come from:
//  - One value. All steps on one hash happen under one shard's lock; a key is linked only by the leader of its flight,
//    and a flight begins only when no entry of that key could be acquired. An entry that could not be acquired was
//    ending: no handle to it is left, or ever will be.
//  - A failed try is the last one. X509_up_ref on a dying object raises its count, so a second try would succeed: the
//    entry is unlinked under the same lock that the first try was made under.
//  - Memory of a linked entry is valid under its shard's lock: whoever ends a value calls forget() before it gives the
//    entry's memory back, and forget() takes that lock.
//  - `make`, destructors, and releases run outside of every lock.
//  - The table outlives the cache as long as entries need it: forget() of the last one frees it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "ibid/detail/afterlife.h"
#include "ibid/detail/flight.h"
#include "ibid/detail/weak_table.h"
#include "ibid/statistics.h"

namespace ibid::detail {

template <class Traits, class Allocator = std::allocator<std::byte>>
class interner {
public:
    using entry = typename Traits::entry;
    using key = typename Traits::key;
    using flight_type = flight<entry, key>;

    // `counters`: where to count; null: in the table itself. A block given from outside must outlive the table.
    [[nodiscard]] static interner* create(const Allocator& allocator, counter_block* counters = nullptr) {
        self_allocator a(allocator);
        interner* const self = self_traits::allocate(a, 1);
        return ::new (static_cast<void*>(self))
            interner(allocator, counters); // the constructor does not throw
    }

    // The cache goes. Entries that handles keep alive keep the table alive; the last of them frees it.
    void close() noexcept {
        retain(
            {}); // and not only drop what is kept: destructors that intern would have their entries kept for ever
        for (shard& s : shards_) {
            const std::lock_guard lock(s.mutex);
            s.closed = true;
            remaining_.fetch_add(s.entries, std::memory_order_relaxed);
        }
        leave(); // the guard with which remaining_ began
    }

    // An acquired entry, or null. `k` is anything that Traits::equal can compare with an entry.
    template <class K>
    [[nodiscard]] entry* find(std::uint64_t hash, const K& k) {
        shard& s = shard_of(hash);
        entry* found = nullptr;
        {
            const std::lock_guard lock(s.mutex);
            found = s.acquire(hash, k);
            if (found != nullptr) {
                s.count_hit(*found);
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
        shard& s = shard_of(f.hash);
        for (;;) {
            waiter<entry> w;
            bool joined = false; // from then on, `w` is the leader's until it has landed
            {
                const std::lock_guard lock(s.mutex);
                if (entry* const found = s.acquire(f.hash, *f.key)) {
                    s.count_hit(*found);
                    w.result = found;
                } else if (flight_type* const other = s.flight_for(f.hash, *f.key)) {
                    other->join(w);
                    joined = true;
                } else {
                    s.table.reserve(s.flights_in_air + 1); // so that publish() cannot fail
                    f.next = s.flights;
                    s.flights = &f;
                    ++s.flights_in_air;
                    bump(s.counters->misses);
                    return nullptr;
                }
            }
            if (joined) {
                w.landed.wait(0, std::memory_order_acquire);
                // The leader touches `w` under this lock, to the end of its notify_one: once it is ours, `w` may go.
                const std::lock_guard lock(s.mutex);
                if (w.result != nullptr) {
                    s.count_hit(*w.result);
                }
            }
            if (w.result != nullptr) {
                touched(*w.result);
                return w.result;
            }
        }
    }

    // The value of flight `f` is made: `e`, of which the caller holds a reference and keeps it.
    void publish(flight_type& f, entry& e) noexcept {
        shard& s = shard_of(f.hash);
        e.hash = f.hash;
        {
            const std::lock_guard lock(s.mutex);
            if (!s.stopped) {
                s.table.insert(e);
            }
            ++s.entries;
            bump(s.counters->inserts);
            s.remove(f);
            for (waiter<entry>* w = f.waiters; w != nullptr; w = w->next) {
                Traits::acquire(e); // one for each of them, before any of them can run
            }
            f.land(&e);
        }
        if (!afterlife_.off()) {
            afterlife_.admit(e);
        }
    }

    // The make of flight `f` failed. The table is as it was before begin().
    void abandon(flight_type& f) noexcept {
        shard& s = shard_of(f.hash);
        const std::lock_guard lock(s.mutex);
        s.remove(f);
        f.land(nullptr);
    }

    // Takes `e` out, so that it is never found again; its holders keep it. False when it was out already.
    bool detach(entry& e) noexcept {
        shard& s = shard_of(e.hash);
        const std::lock_guard lock(s.mutex);
        if (!e.linked) {
            return false;
        }
        s.table.erase(e);
        bump(s.counters->detached);
        return true;
    }

    // The same for every entry that `which` chooses, dying ones included; allocates nothing. `which` runs under a lock.
    template <class Predicate>
    void detach_if(Predicate which) noexcept {
        for (shard& s : shards_) {
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
        for (shard& s : shards_) {
            const std::lock_guard lock(s.mutex);
            s.stopped = true;
            while (entry* const e = s.table.find_if([](const entry&) { return true; })) {
                s.table.erase(*e);
            }
        }
    }

    // The value of `e` has ended. After this nobody can reach the entry through the table, nor the table through the
    // entry. Exactly once for each published entry.
    void forget(entry& e) noexcept {
        shard& s = shard_of(e.hash);
        bool closed = false;
        {
            const std::lock_guard lock(s.mutex);
            if (e.linked) {
                s.table.erase(e);
            }
            --s.entries;
            bump(s.counters->evictions);
            closed = s.closed;
            s.table.shrink(s.flights_in_air);
        }
        if (closed) {
            leave();
        }
    }

    // Calls f(entry&) for every entry that is alive; each is held during its call, and no lock is. Entries that come or
    // go meanwhile may be seen or not. Throws bad_alloc, and what f throws.
    template <class Function>
    void for_each(Function f) {
        for (shard& s : shards_) {
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

    void retain(retention budget) noexcept { afterlife_.set_budget(budget); }
    [[nodiscard]] retention budget() const noexcept { return afterlife_.budget(); }
    void earn(entry& e) noexcept { afterlife_.earn(e); }
    void drop_retained() noexcept { afterlife_.drop_all(); }
    template <class Predicate>
    void drop_retained_if(Predicate which) noexcept {
        afterlife_.drop_if(which);
    }

    [[nodiscard]] statistics count() const noexcept { return sum(*counters_); }

    // Around fork(), for tables inside a process that does not know of them.
    void lock_for_fork() noexcept {
        for (shard& s : shards_) {
            s.mutex.lock();
        }
        afterlife_.lock();
    }
    void unlock_after_fork() noexcept {
        afterlife_.unlock();
        for (shard& s : shards_) {
            s.mutex.unlock();
        }
    }
    void forget_other_threads() noexcept { // in the child, between the two above
        for (shard& s : shards_) {
            s.forget_other_threads();
        }
    }

    [[nodiscard]] const Allocator& allocator() const noexcept { return allocator_; }

private:
    struct alignas(64) shard {
        std::mutex mutex; // protects everything below, and `linked` of the shard's entries
        weak_table<entry, Allocator> table;
        flight_type* flights = nullptr;
        std::size_t flights_in_air = 0;
        std::size_t entries = 0; // published and not forgotten: linked ones, and detached or dying ones
        bool closed = false;
        bool stopped = false;
        counter_stripe* counters =
            nullptr; // written under the mutex alone, so a load and a store make an increment

        explicit shard(const Allocator& allocator) noexcept : table(allocator) {}

        template <class K>
        [[nodiscard]] entry* acquire(std::uint64_t hash, const K& k) {
            entry* const e =
                table.find(hash, [&](const entry& candidate) { return Traits::equal(candidate, k); });
            if (e == nullptr || Traits::try_acquire(*e)) {
                return e;
            }
            table.erase(*e); // a failed try is the last one
            return nullptr;
        }

        template <class K>
        [[nodiscard]] flight_type* flight_for(std::uint64_t hash, const K& k) const {
            for (flight_type* f = flights; f != nullptr; f = f->next) {
                if (f->hash == hash && Traits::equal(*f->key, k)) {
                    return f;
                }
            }
            return nullptr;
        }

        // Within `into`'s capacity. Erasing would move slots that are still to be looked at, so first all, then the dead.
        void acquire_all(std::vector<entry*>& into) noexcept {
            table.for_each([&](entry& e) { into.push_back(&e); });
            std::erase_if(into, [this](entry* e) {
                const bool alive = Traits::try_acquire(*e);
                if (!alive) {
                    table.erase(*e);
                }
                return !alive;
            });
        }

        void remove(flight_type& f) noexcept {
            flight_type** link = &flights;
            while (*link != &f) {
                link = &(*link)->next;
            }
            *link = f.next;
            --flights_in_air;
        }

        // In the child of a fork, the flights that other threads led will never land, and nobody waits for them.
        void forget_other_threads() noexcept {
            flight_type** link = &flights;
            while (*link != nullptr) {
                if ((*link)->leader == &this_thread_waiting()) {
                    (*link)->waiters = nullptr;
                    link = &(*link)->next;
                } else {
                    *link = (*link)->next;
                    --flights_in_air;
                }
            }
        }

        void count_hit(const entry& e) noexcept {
            bump(counters->hits);
            bump(counters->bytes_not_parsed, Traits::saved(e));
        }
    };

    // The entries that for_each holds, released when their shard is done or f has thrown.
    struct holding {
        std::vector<entry*> entries;
        ~holding() {
            for (entry* const e : entries) {
                Traits::release(*e);
            }
        }
    };

    using self_allocator = typename std::allocator_traits<Allocator>::template rebind_alloc<interner>;
    using self_traits = std::allocator_traits<self_allocator>;

    interner(const Allocator& allocator, counter_block* counters) noexcept
        : counters_(counters != nullptr ? counters : &own_counters_),
          shards_(make_shards(allocator, std::make_index_sequence<counter_stripes>{})),
          afterlife_((*counters_)[0]), allocator_(allocator) {
        for (std::size_t i = 0; i < shards_.size(); ++i) {
            shards_[i].counters = &(*counters_)[i];
        }
    }

    void leave() noexcept {
        // Release: everything this thread did to the table happens before its end; acquire on the last: everybody's did.
        if (remaining_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            self_allocator a(allocator_);
            std::destroy_at(this);
            self_traits::deallocate(a, this, 1);
        }
    }

    [[nodiscard]] shard& shard_of(std::uint64_t hash) noexcept { return shards_[hash >> 60]; }

    void touched(entry& e) noexcept {
        if (!afterlife_.off()) {
            afterlife_.touch(e);
        }
    }

    static void bump(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) noexcept {
        counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }

    template <std::size_t... I>
    [[nodiscard]] static std::array<shard, sizeof...(I)> make_shards(const Allocator& a,
                                                                     std::index_sequence<I...>) {
        return {((void)I, shard(a))...};
    }

    counter_block own_counters_;
    counter_block* counters_;
    std::array<shard, counter_stripes> shards_;
    afterlife<Traits> afterlife_;
    std::atomic<std::size_t> remaining_{1}; // after close(): entries not yet forgotten, plus the closer
    [[no_unique_address]] Allocator allocator_;
};

} // namespace ibid::detail
