// SPDX-License-Identifier: Apache-2.0
//
// One of the sixteen parts of a table: its entries, the flights of values being made, and what waits to be
// reclaimed. Two changes of a table rarely need the same lock.
//
// Thread safety: everything except peek() and may_have() happens under the mutex. The only user code that
// runs under the mutex is hashes, comparisons and the allocator. None of them, nor a std::new_handler, may
// use the table.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ibid/detail/base/mutex.h"
#include "ibid/detail/base/spinning_mutex.h"
#include "ibid/detail/port/compiled.h"
#include "ibid/detail/port/threads.h"
#include "ibid/detail/table/flight.h"
#include "ibid/detail/table/weak_table.h"
#include "ibid/statistics.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

// Traits: see interner. Reclaimer: reclaimer or no_reclaimer.
template <class Traits, class Allocator, class Reclaimer>
struct alignas(64) shard {
    using entry = typename Traits::entry;
    using flight_type = flight<entry, typename Traits::key>;
    static constexpr bool read_without_lock = Reclaimer::reads_without_lock;
    using table_type = weak_table<entry, Allocator, read_without_lock>;
    using retired_array = typename table_type::retired_array;

    // Layout: all members that every insert and every erase writes, from the table's size to the flights,
    // share one cache line. Two cores that change a shard in turn move only that line and the slots' line.
    // What lock-free readers read is in the line before. Without such readers all members are packed, so that
    // the whole table fits in a page (see interner). The mutex also protects which entries are linked.
    [[no_unique_address]] table_type table IBID_GUARDED_BY(mutex);
    spinning_mutex mutex;
    bool closed IBID_GUARDED_BY(mutex) = false;
    bool stopped IBID_GUARDED_BY(mutex) = false;
    std::size_t entries IBID_GUARDED_BY(mutex) = 0; // published and not forgotten: linked, detached or ending
    flight_type* flights IBID_GUARDED_BY(mutex) = nullptr;
    std::size_t flights_in_air IBID_GUARDED_BY(mutex) = 0;

    alignas(read_without_lock ? 64 : alignof(counter_stripe*)) counter_stripe* counters =
        nullptr; // written under the mutex, by threads without a stripe of their own
    [[no_unique_address]] typename Reclaimer::waiting waiting IBID_GUARDED_BY(mutex); // retired in this shard

    // Not inline: a table has sixteen.
    [[gnu::noinline]] explicit shard(const Allocator& in) noexcept : table(in) {
        static_assert(sizeof(shard) <= (read_without_lock ? 4 : 2) * 64);
    }

    // Without the lock, under a read_guard: see weak_table::peek().
    [[nodiscard, gnu::always_inline]] entry*
    peek(std::uint64_t hash, std::uint64_t& word) const noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
        return table.peek(hash, word);
    }
    // Without the lock, for a process with one thread: whether an entry with this hash is linked.
    [[nodiscard]] bool may_have(std::uint64_t hash) const noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
        return table.find(hash, [](const entry&) { return true; }) != nullptr;
    }

    // An entry that may match `k`, with a reference for the caller, or null.
    template <class K>
    [[nodiscard]] entry* acquire(std::uint64_t hash, const K& k) IBID_REQUIRES(mutex) {
        entry* const e =
            table.find(hash, [&](const entry& candidate) { return Traits::may_match(candidate, k); });
        if (e == nullptr || Traits::try_acquire(*e)) {
            return e;
        }
        table.erase(*e); // no second try: see interner
        return nullptr;
    }

    template <class K>
    [[nodiscard]] flight_type* flight_for(std::uint64_t hash, const K& k) const IBID_REQUIRES(mutex) {
        for (flight_type* f = flights; f != nullptr; f = f->next) {
            if (f->hash == hash && Traits::may_match(*f->key, k)) {
                return f;
            }
        }
        return nullptr;
    }

    // Requires capacity for all entries. First collects entries and then tries to acquire them, because
    // erasing moves slots.
    void acquire_all(std::vector<entry*>& into) noexcept IBID_REQUIRES(mutex) {
        table.for_each([&](entry& e) { into.push_back(&e); });
        std::erase_if(into, [this](entry* e) IBID_REQUIRES(mutex) {
            const bool alive = Traits::try_acquire(*e);
            if (!alive) {
                table.erase(*e);
            }
            return !alive;
        });
    }

    void remove(flight_type& f) noexcept IBID_REQUIRES(mutex) {
        flight_type** at = &flights;
        while (*at != &f) {
            at = &(*at)->next;
        }
        *at = f.next;
        --flights_in_air;
    }

    // In the child of fork(): flights of other threads' leaders never end, and no thread waits for them.
    [[IBID_SELDOM]] void forget_other_threads() noexcept IBID_REQUIRES(mutex) {
        flight_type** at = &flights;
        while (*at != nullptr) {
            if ((*at)->leader == this_thread()) {
                (*at)->waiters = nullptr;
                at = &(*at)->next;
            } else {
                *at = (*at)->next;
                --flights_in_air;
            }
        }
    }

    void count_hit(const entry& e) noexcept IBID_REQUIRES(mutex) {
        bump(counters->hits);
        bump(counters->bytes_not_parsed, Traits::saved(e));
    }
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
