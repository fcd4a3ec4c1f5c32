// SPDX-License-Identifier: Apache-2.0
//
// The concurrent weak table behind every cache. It finds an entry or makes it once, and removes the entry
// when its last reference is dropped. docs/table.md has a picture.
//
// A traits type describes the entries, so the table serves values that ibid counts and values that another
// library counts:
//
//     struct traits {
//         using entry = …;                                  // derives from entry_word
//         using key = …;                                    // identifies a flight
//         static bool may_match(const entry&, const K&);    // under the lock. K: key, or what is looked up
//         static bool may_match(const key&, const K&);
//         static bool try_acquire(entry&) noexcept;         // a reference, unless the value is ending
//         static void acquire(entry&) noexcept;             // one more; requires a reference
//         static void release(entry&) noexcept;             // may end the value: calls forget(). May throw
//         static std::size_t weight(const entry&) noexcept; // bytes, for the retention budget
//         static void weigh(entry&, const K&) noexcept;     // before weight(); for insert_or_acquire()
//         static std::size_t saved(const entry&) noexcept;  // bytes of key that a hit need not process again
//     };
//
// Equality has two phases. may_match() decides under the shard's lock which entry is acquired; it must be
// true for equal keys. Traits that compare less than the whole key there compare the rest outside
// (`matches`), and must cope with a different key. For values that ibid owns, owned_entry.h adds `matches`, a
// reclaimer and an owner to the traits.
//
// Invariants:
//  - One value. All changes for one hash happen under one shard's lock. An entry is linked by the leader of
//    its flight, or by insert_or_acquire(), and only if no entry of that key could be acquired. No key is
//    made in both ways.
//  - After a failed try_acquire() there is no second one: the entry is unlinked under the same lock. This is
//    needed because X509_up_ref on a dying object raises its count, so a second try would succeed.
//  - Memory of a linked entry is valid under its shard's lock. The code that ends a value calls forget()
//    before it frees the entry.
//  - `make`, destructors and releases run outside all locks.
//  - The table outlives its cache while entries need it. forget() of the last entry frees the table.
//  - Without lock-free readers, and with counters elsewhere, the table fits in one page: a process that forks
//    for each connection copies every page that it writes.
//
// Thread safety: any member, any thread, except create() and close().
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "ibid/detail/base/cache_lines.h"
#include "ibid/detail/base/few_includes.h"
#include "ibid/detail/base/mechanisms.h"
#include "ibid/detail/base/mutex.h"
#include "ibid/detail/port/compiled.h"
#include "ibid/detail/retention/retained_entries.h"
#include "ibid/detail/table/flight.h"
#include "ibid/detail/table/no_reclaimer.h"
#include "ibid/detail/table/shard.h"
#include "ibid/statistics.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

template <class Table>
class lock_free_lookup;

// For values that another library counts.
struct no_owner {
    template <class Table, class Allocator>
    no_owner(Table&, const Allocator&) noexcept {}
    static void prepare() noexcept {}
    [[nodiscard]] static unsigned before_lock_for_fork() noexcept { return 0; }
    static void lock_for_fork(unsigned) noexcept {}
    static void unlock_after_fork() noexcept {}
    static void forget_other_threads() noexcept {}
};

// The parts of a table that depend on who owns the values.
template <class Traits, class Table>
struct table_parts {
    using reclaimer = no_reclaimer;
    using owner = no_owner;
};
template <class Traits, class Table>
    requires requires {
        typename Traits::reclaimer;
    }
struct table_parts<Traits, Table> {
    using reclaimer = typename Traits::reclaimer;
    using owner = typename Traits::template owner<Table>;
};

template <class Traits, class Allocator = std::allocator<std::byte>>
class interner final {
    using parts = table_parts<Traits, interner>;
    using reclaimer_type = typename parts::reclaimer;
    using owner_type = typename parts::owner;
    using memory = cache_lines<Allocator>;

public:
    using traits_type = Traits;
    using entry = typename Traits::entry;
    using key = typename Traits::key;
    using shard_type = shard<Traits, Allocator, reclaimer_type>;
    using flight_type = typename shard_type::flight_type;
    static constexpr bool drops_quietly = retained_entries<Traits>::drops_quietly;
    static constexpr bool reads_without_lock = reclaimer_type::reads_without_lock;

    // `counters`: where to count; null: behind the table itself. A block given from outside must outlive the
    // table. It is exact at every moment, because its reader cannot see the counters in the participants'
    // records. So every hit is then counted under a lock.
    [[nodiscard, gnu::noinline]] static interner* create(const Allocator& allocator,
                                                         counter_block* counters = nullptr);

    // The cache is destroyed. Entries that handles keep alive keep the table alive; the last of them frees
    // it.
    [[gnu::noinline]] void close() noexcept;

    // An entry that may match, with a reference for the caller, or null.
    template <class K>
    [[nodiscard]] entry* find(std::uint64_t hash, const K& k);

    // Either an acquired entry, or null. Null: flight `f` has begun, and the caller makes the value and ends
    // the flight with publish() or abandon(). Waits while another thread makes the same key. Throws
    // recursive_make, bad_alloc.
    [[nodiscard]] entry* begin(flight_type& f);

    // The value of flight `f` is made: `e`. Requires a reference to `e`, which the caller keeps.
    void publish(flight_type& f, entry& e) noexcept(drops_quietly);

    // The make of flight `f` failed. The table is as it was before begin().
    void abandon(flight_type& f) noexcept;

    // begin() and publish() in one, for a value that is made already. Requires a reference to `e`. Inserts
    // `e` and returns null, or returns an acquired entry of the same key. Waits and throws as begin() does.
    [[nodiscard]] entry* insert_or_wait(flight_type& f, entry& e);

    // For values that are made before the lookup; no thread waits. Requires a reference to `e`, which the
    // caller keeps. Inserts `e` and returns null. If an entry that may match came first, returns that entry,
    // acquired, and leaves `e` unchanged. Counts one lookup: a miss if `e` went in, else a hit that saved no
    // bytes. Throws bad_alloc; then nothing has changed.
    template <class K>
    [[nodiscard]] entry* insert_or_acquire(entry& e, std::uint64_t hash, const K& k) {
        shard_type& s = shard_of(hash);
        counter_stripe& counters = counters_for(s);
        entry* found = nullptr;
        bool must_reclaim = false;
        {
            const lock_guard lock(s.mutex);
            found = s.acquire(hash, k);
            if (found != nullptr) {
                bump(counters.hits);
            } else {
                must_reclaim = reclaimer_.retire(s, s.table.reserve(s.flights_in_air + 1));
                bump(counters.misses);
                insert_entry(s, e, hash, counters);
            }
        }
        if (must_reclaim) {
            reclaimer_.reclaim(s);
        }
        if (found != nullptr) {
            touch(*found);
        } else if (!retained_.off()) {
            retained_.admit(e, [&k](entry& made) noexcept { Traits::weigh(made, k); });
        }
        return found;
    }

    // Whether an entry with this hash is linked. Writes nothing and takes no lock: for a process with one
    // thread.
    [[nodiscard]] bool may_have(std::uint64_t hash) const noexcept {
        return shards_[shard_number(hash)].may_have(hash);
    }

    // A lookup of `hash` that found nothing and will not end in an insert.
    void count_miss(std::uint64_t hash) noexcept {
        shard_type& s = shard_of(hash);
        const lock_guard lock(s.mutex);
        bump(counters_for(s).misses);
    }

    // Tells retention of a hit, or that the weight of `e` is known now. Requires a reference.
    void touch(entry& e) noexcept(drops_quietly) {
        if (!retained_.off()) {
            retained_.touch(e);
        }
    }

    // Unlinks `e`, so that it is never found again; its holders keep it. False if it was unlinked already.
    bool detach(entry& e) noexcept requires(!reads_without_lock) { // a lock-free reader may still find it
        shard_type& s = shard_of(e.hash());
        const lock_guard lock(s.mutex);
        if (!s.table.erase(e)) {
            return false;
        }
        bump(s.counters->detached);
        return true;
    }

    // The same for every entry that `which` chooses, ending ones included. Allocates nothing. `which` runs
    // under a lock.
    template <class Predicate>
    void detach_if(Predicate which) noexcept {
        static_assert(!reads_without_lock);
        for (shard_type& s : shards_) {
            const lock_guard lock(s.mutex);
            while (entry* const e = s.table.find_if(which)) {
                s.table.erase(*e);
                bump(s.counters->detached);
            }
        }
    }

    // From now on nothing is found and nothing is linked. Holders keep their entries, and each entry still
    // ends in forget(). For an owner that may no longer learn of every entry's end.
    void stop() noexcept requires(!reads_without_lock) {
        for (shard_type& s : shards_) {
            const lock_guard lock(s.mutex);
            s.stopped = true;
            s.table.clear();
        }
    }

    // The value of `e`, which another library counts, has ended. Requires: exactly once for each published
    // entry. Afterwards the table does not know the entry, and the table may be gone.
    void forget(entry& e) noexcept {
        shard_type& s = shard_of(e.hash());
        bool closed = false;
        {
            const lock_guard lock(s.mutex);
            unlink(s, e, *s.counters);
            closed = uncount(s);
        }
        if (closed) {
            release_table();
        }
    }

    // Calls f(entry&) for every live entry, outside all locks. The entries of a shard are held from before
    // its first call to after its last. Entries that come or go meanwhile may be seen or not. Throws
    // bad_alloc, and what f throws.
    template <class Function>
    void for_each(Function f) {
        for (shard_type& s : shards_) {
            held_entries held;
            for (bool all = false; !all;) {
                std::size_t needed = 0;
                {
                    const lock_guard lock(s.mutex);
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

    // Retention: see retained_entries.
    void retain(retention budget) noexcept(drops_quietly) { retained_.set_budget(budget); }
    [[nodiscard]] retention budget() const noexcept { return retained_.budget(); }
    void protect(entry& e) noexcept(drops_quietly) { retained_.protect(e); }
    // Drops all retained entries, and frees memory that waits for readers, except what other live threads
    // have retired.
    [[gnu::noinline]] void drop_retained() noexcept(drops_quietly);
    template <class Predicate>
    void drop_retained_if(Predicate which) noexcept(drops_quietly) {
        retained_.drop_if(which);
    }

    [[nodiscard, gnu::noinline]] statistics count() const noexcept;

    // Around fork(), for tables inside a process that does not know of them. `first`: a lock of the caller,
    // taken before all others; the caller unlocks it.
    void lock_for_fork(mutex* first = nullptr) noexcept IBID_NO_THREAD_SAFETY_ANALYSIS;
    void unlock_after_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS;
    // In the child, between lock_for_fork() and unlock_after_fork().
    void forget_other_threads() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
        for (shard_type& s : shards_) {
            s.forget_other_threads();
        }
        reclaimer_.forget_other_threads();
        owner_.forget_other_threads();
    }

    // For a reader outside of the process: the offset in bytes, from this object, of the words that lead to
    // the slots.
    struct array_words {
        std::uint32_t first;
        std::uint32_t apart;
        std::uint32_t number;
    };
    [[nodiscard]] array_words where_arrays_are() const noexcept {
        const std::uint32_t first = offset_of_array(0);
        return {first, offset_of_array(1) - first, static_cast<std::uint32_t>(shards_.size())};
    }

    [[nodiscard]] const Allocator& allocator() const noexcept { return allocator_; }
    [[nodiscard]] owner_type& owner() noexcept { return owner_; } // of the values; see owned_values.h

private:
    // Only takes an address and reads nothing, so it needs no lock.
    [[nodiscard]] std::uint32_t
    offset_of_array(std::size_t shard) const noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
        return static_cast<std::uint32_t>(reinterpret_cast<const char*>(shards_[shard].table.array_word()) -
                                          reinterpret_cast<const char*>(this));
    }

    friend owner_type;
    friend lock_free_lookup<interner>;

    // The references that for_each() holds. Releases them when a shard is done or f has thrown.
    struct held_entries {
        std::vector<entry*> entries;
        ~held_entries() {
            for (entry* const e : entries) {
                Traits::release(*e);
            }
        }
    };

    [[nodiscard]] static constexpr std::size_t lines(bool counts_itself) noexcept {
        return (sizeof(interner) + (counts_itself ? sizeof(counter_block) : 0)) / 64;
    }

    interner(const Allocator& allocator, counter_block& counters, bool counts_itself) noexcept
        : reclaimer_(allocator), owner_(*this, allocator),
          shards_(make_shards(allocator, std::make_index_sequence<counter_stripes>{})), allocator_(allocator),
          counters_(&counters), counts_itself_(counts_itself), retained_(counters[0]) {
        for (std::size_t i = 0; i < shards_.size(); ++i) {
            shards_[i].counters = &(*counters_)[i];
        }
    }
    ~interner() { reclaimer_.free_all(shards_); }

    template <std::size_t... I>
    [[nodiscard]] static std::array<shard_type, sizeof...(I)> make_shards(const Allocator& in,
                                                                          std::index_sequence<I...>) {
        return {((void)I, shard_type(in))...};
    }

    // Hash bits that neither choose a slot nor are stored in one (entry_word::shard_bits).
    [[nodiscard]] static std::size_t shard_number(std::uint64_t hash) noexcept {
        return (hash >> 44) % counter_stripes;
    }
    // By the offset, which takes two instructions fewer than an index.
    [[nodiscard]] shard_type& shard_of(std::uint64_t hash) noexcept {
        if constexpr (std::has_single_bit(sizeof(shard_type)) && sizeof(shard_type) < std::size_t{1} << 44) {
            constexpr int shift = 44 - std::countr_zero(sizeof(shard_type));
            const std::size_t offset = (hash >> shift) & (sizeof(shards_) - sizeof(shard_type));
            return *std::launder(
                reinterpret_cast<shard_type*>(reinterpret_cast<unsigned char*>(&shards_) + offset));
        } else {
            return shards_[shard_number(hash)];
        }
    }
    [[nodiscard]] counter_stripe& counters_for(shard_type& s) noexcept {
        return reclaimer_.counters_for(reclaimer_.known_here(), s);
    }
    void pass_every_lock() noexcept {
        for (shard_type& s : shards_) {
            const lock_guard pass(s.mutex);
        }
    }

    // Requires reserved room.
    void insert_entry(shard_type& s, entry& e, std::uint64_t hash, counter_stripe& counters) noexcept
        IBID_REQUIRES(s.mutex) {
        e.set_hash(hash);
        if (!s.stopped && fits_a_slot(&e)) {
            s.table.insert(e, hash);
        }
        ++s.entries;
        bump(counters.inserts);
    }

    void unlink(shard_type& s, entry& e, counter_stripe& counters) noexcept IBID_REQUIRES(s.mutex) {
        s.table.erase(e);
        bump(counters.evictions);
        reclaimer_.free_outgrown_if_single(s);
        if (s.table.could_shrink(s.flights_in_air)) [[unlikely]] {
            shrink(s);
        }
    }
    [[IBID_SELDOM]] void shrink(shard_type& s) noexcept IBID_REQUIRES(s.mutex) {
        if (reclaimer_.may_shrink(s)) {
            (void)reclaimer_.retire(s, s.table.shrink());
        }
    }

    // The entry no longer keeps the table. True: the table is closed, and the caller
    // must release_table().
    [[nodiscard]] static bool uncount(shard_type& s) noexcept IBID_REQUIRES(s.mutex) {
        --s.entries;
        return s.closed;
    }

    // Drops one of remaining_. The last drop frees the table, unless a thread has pinned it; then that thread
    // frees it. Release: this thread's use of the table happens before the table's end. Acquire: so does
    // every other thread's use.
    void release_table() noexcept {
        if (remaining_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            free_table();
        }
    }
    [[IBID_SELDOM]] void free_table() noexcept {
        if (!reclaimer_.pinned_by_a_thread(remaining_)) {
            const Allocator allocator = allocator_;
            typename memory::block* const block = memory_;
            const std::size_t size = lines(counts_itself_);
            this->~interner();
            memory::free(allocator, block, size);
            if constexpr (requires { allocator.end(); }) {
                allocator.end();
            }
        }
    }

    void count_hit(shard_type& s, entry& e) noexcept IBID_REQUIRES(s.mutex) {
        s.count_hit(e);
        reclaimer_.found_under_lock(reclaimer_.known_here());
    }
    void admit(entry& e) noexcept(drops_quietly) {
        if (!retained_.off()) {
            retained_.admit(e);
        }
    }

    [[no_unique_address]] reclaimer_type reclaimer_;
    [[no_unique_address]] owner_type owner_;
    std::array<shard_type, counter_stripes> shards_;
    std::atomic<std::size_t> remaining_{1};    // after close(): entries not yet forgotten, and the closer
    typename memory::block* memory_ = nullptr; // this table's own
    [[no_unique_address]] Allocator allocator_;
    counter_block* const counters_;
    const bool counts_itself_;
    retained_entries<Traits> retained_;
};

// Not inline, so that a program that links the compiled library (port/compiled.h) need not compile these
// functions.

template <class Traits, class Allocator>
auto interner<Traits, Allocator>::create(const Allocator& allocator, counter_block* counters) -> interner* {
    owner_type::prepare();
    const bool counts_itself = counters == nullptr;
    typename memory::block* const block = memory::allocate(allocator, lines(counts_itself));
    auto* const at = static_cast<unsigned char*>(memory::first_line(block));
    if (counts_itself) {
        counters = ::new (static_cast<void*>(at + sizeof(interner))) counter_block();
    }
    // The constructor does not throw.
    auto* const self = ::new (static_cast<void*>(at)) interner(allocator, *counters, counts_itself);
    self->memory_ = block;
    return self;
}

template <class Traits, class Allocator>
void interner<Traits, Allocator>::close() noexcept {
    retain({}); // not drop_retained() alone: entries that destructors intern would be retained for ever
    for (shard_type& s : shards_) {
        const lock_guard lock(s.mutex);
        s.closed = true;
        remaining_.fetch_add(s.entries, std::memory_order_relaxed);
    }
    release_table(); // the initial count of remaining_
}

template <class Traits, class Allocator>
template <class K>
auto interner<Traits, Allocator>::find(std::uint64_t hash, const K& k) -> entry* {
    shard_type& s = shard_of(hash);
    entry* found = nullptr;
    {
        const lock_guard lock(s.mutex);
        found = s.acquire(hash, k);
        if (found != nullptr) {
            count_hit(s, *found);
        }
    }
    if (found != nullptr) {
        touch(*found);
    }
    return found;
}

template <class Traits, class Allocator>
auto interner<Traits, Allocator>::begin(flight_type& f) -> entry* {
    shard_type& s = shard_of(f.hash);
    for (;;) {
        waiter<entry> w;
        bool joined = false; // true: `w` belongs to the leader until the flight has ended
        bool leads = false;
        bool must_reclaim = false;
        {
            const lock_guard lock(s.mutex);
            if (entry* const found = s.acquire(f.hash, *f.key)) {
                count_hit(s, *found);
                w.result = found;
            } else if (flight_type* const other = s.flight_for(f.hash, *f.key)) {
                other->add_waiter(w);
                joined = true;
            } else {
                // Room is reserved now, so that publish() cannot fail.
                must_reclaim = reclaimer_.retire(s, s.table.reserve(s.flights_in_air + 1));
                f.leader = this_thread();
                f.next = s.flights;
                s.flights = &f;
                ++s.flights_in_air;
                bump(counters_for(s).misses);
                leads = true;
            }
        }
        if (must_reclaim) {
            reclaimer_.reclaim(s);
        }
        if (leads) {
            return nullptr;
        }
        if (joined) {
            w.wait();
            // The leader uses `w` under this lock until wake() has returned; only then may `w` be destroyed.
            const lock_guard lock(s.mutex);
            if (w.result != nullptr) {
                count_hit(s, *w.result);
            }
        }
        if (w.result != nullptr) {
            touch(*w.result);
            return w.result;
        }
    }
}

template <class Traits, class Allocator>
void interner<Traits, Allocator>::publish(flight_type& f, entry& e) noexcept(drops_quietly) {
    shard_type& s = shard_of(f.hash);
    {
        const lock_guard lock(s.mutex);
        insert_entry(s, e, f.hash, counters_for(s));
        s.remove(f);
        for (waiter<entry>* w = f.waiters; w != nullptr; w = w->next_waiter) {
            Traits::acquire(e); // one reference for each waiter, before any of them can run
        }
        f.finish(&e);
    }
    admit(e);
}

template <class Traits, class Allocator>
void interner<Traits, Allocator>::abandon(flight_type& f) noexcept {
    shard_type& s = shard_of(f.hash);
    const lock_guard lock(s.mutex);
    s.remove(f);
    f.finish(nullptr);
}

template <class Traits, class Allocator>
auto interner<Traits, Allocator>::insert_or_wait(flight_type& f, entry& e) -> entry* {
    shard_type& s = shard_of(f.hash);
    counter_stripe& counters = counters_for(s);
    bool inserted = false;
    bool must_reclaim = false;
    {
        const lock_guard lock(s.mutex);
        if (has(mechanism::insert_without_flight) && s.flights == nullptr &&
            s.table.find(f.hash, [](const entry&) { return true; }) == nullptr) {
            must_reclaim = reclaimer_.retire(s, s.table.reserve(1));
            bump(counters.misses);
            insert_entry(s, e, f.hash, counters);
            inserted = true;
        }
    }
    if (must_reclaim) {
        reclaimer_.reclaim(s);
    }
    if (!inserted) {
        if (entry* const found = begin(f)) {
            return found;
        }
        publish(f, e);
    } else {
        admit(e);
    }
    return nullptr;
}

template <class Traits, class Allocator>
void interner<Traits, Allocator>::drop_retained() noexcept(drops_quietly) {
    retained_.drop_all();
    reclaimer_.reclaim_all(shards_);
}

template <class Traits, class Allocator>
statistics interner<Traits, Allocator>::count() const noexcept {
    statistics_sum all;
    const auto for_each_stripe = [this](auto f) {
        for (const counter_stripe& s : *counters_) {
            f(s);
        }
        reclaimer_.for_each_stripe(f);
    };
    for_each_stripe([&all](const counter_stripe& s) { all.add_ends(s); });
    for_each_stripe([&all](const counter_stripe& s) { all.add_rest(s); });
    statistics total = all.total();
    reclaimer_.add_hits(total);
    return total;
}

template <class Traits, class Allocator>
void interner<Traits, Allocator>::lock_for_fork(mutex* first) noexcept {
    const unsigned tables = owner_.before_lock_for_fork();
    if (first != nullptr) {
        first->lock();
    }
    for (shard_type& s : shards_) {
        s.mutex.lock();
    }
    retained_.lock();
    owner_.lock_for_fork(tables);
}

template <class Traits, class Allocator>
void interner<Traits, Allocator>::unlock_after_fork() noexcept {
    owner_.unlock_after_fork();
    retained_.unlock();
    for (shard_type& s : shards_) {
        s.mutex.unlock();
    }
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
