// SPDX-License-Identifier: Apache-2.0
//
// One of the parts into which a table is divided, so that two changes hardly ever want the same lock: its entries, the values
// that are being made for it, and what waits to be freed.
//
// Law: everything but table.peek() happens under the mutex. Nothing here runs code of the user's but hashes, comparisons, and
// its allocator: which must not use the table, nor may a std::new_handler.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ibid/detail/base/spinning_mutex.h"
#include "ibid/detail/reclamation/limbo_list.h"
#include "ibid/detail/table/flight.h"
#include "ibid/detail/table/slot_memory.h"
#include "ibid/detail/table/weak_table.h"
#include "ibid/statistics.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

// Whether tables of these values are read without a lock.
template <class Traits>
inline constexpr bool is_read_without_lock = [] {
    if constexpr (requires { Traits::reads_without_lock; }) {
        return Traits::reads_without_lock;
    } else {
        return false;
    }
}();

template <class Traits, class Allocator>
struct alignas(64) shard {
    using entry = typename Traits::entry;
    using flight_type = flight<entry, typename Traits::key>;
    using slots = slot_allocator<std::byte, Allocator>;
    static constexpr bool read_without_lock = is_read_without_lock<Traits>;
    using table_type = weak_table<entry, slots, read_without_lock>;
    using retired_array = typename table_type::retired_array;
    struct retired_arrays {
        retired_array first;     // a list, of
        std::size_t slots = 0;   // in all
        std::uint64_t epoch = 0; // of the readers: all of them were unreachable before
    };

    // One cache line has all that is written whenever an entry comes or goes, from the table's size to the flights: two cores
    // that change a shard by turns take that line and the slots' from each other, and no more. What readers
    // without a lock look at is in the line before. Where there are none, all is packed: sixteen shards, and the rest of such a table,
    // fit in a page (see interner).
    [[no_unique_address]] table_type table; // protected by the mutex, but for its peek()
    spinning_mutex mutex;                   // protects everything here, and which entries are linked
    bool closed = false;
    bool stopped = false;
    std::size_t entries = 0; // published and not forgotten: linked ones, and detached or dying ones
    flight_type* flights = nullptr;
    std::size_t flights_in_air = 0;

    alignas(read_without_lock ? 64 : alignof(counter_stripe*))
        counter_stripe* counters = nullptr; // written under the mutex alone, by threads without their own
    retired_arrays outgrown;                // of the table, and a reader may be looking at them
    limbo_list limbo;                       // buried by threads that do not read

    explicit shard(const slots& in) noexcept : table(in) {
        static_assert(sizeof(shard) == (read_without_lock ? 4 : 3) * 64);
    }

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

} // namespace detail
} // namespace layout_1
} // namespace ibid
