// SPDX-License-Identifier: Apache-2.0
//
// What a cache has done and what it holds, counted while it works.
//
// Law: counting never makes two threads wait for each other and never takes a lock of its own. A snapshot is
// a sum over stripes that are read one after another: the figures are exact while no thread uses the cache;
// otherwise they may differ by what other threads do while the sum is made.
//
//     ibid::cache<std::string, std::regex> patterns;
//     auto h = patterns.intern("a+", [] { return std::regex("a+"); });
//     ibid::statistics s = patterns.statistics();
//     assert(s.misses == 1 && s.active + s.retained == 1);
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ibid/detail/base/few_includes.h"

namespace ibid {
inline namespace layout_1 {

// A snapshot. Units: events since the cache began, except where another is named.
struct statistics {
    std::uint64_t hits = 0;             // lookups answered by an entry that was there
    std::uint64_t misses = 0;           // lookups that had to make the value
    std::uint64_t evictions = 0;        // entries that ended: last handle gone, trimmed, or detached
    std::uint64_t detached = 0;         // entries taken out: written to, or out of date
    std::uint64_t bytes_not_parsed = 0; // bytes of key of all hits: what need not be parsed again
    std::uint64_t entries = 0;          // entries now
    std::uint64_t retained = 0;         // of these, entries that the retention budget holds now
    std::uint64_t retained_bytes = 0;   // what these weigh, bytes
    std::uint64_t active = 0;           // entries - retained: kept by handles alone
};

// One stripe of counters, a cache line wide. Plain words with atomic access, so that a stripe may live in
// memory that another process reads (see src/statistics). They order only each other: an entry's end is never
// seen before its insert.
struct alignas(64) counter_stripe {
    // Lookups that found an entry.
    std::atomic<std::uint64_t> hits{0};
    // Lookups that made a value.
    std::atomic<std::uint64_t> misses{0};
    // Entries that ended.
    std::atomic<std::uint64_t> evictions{0};
    // Entries that were taken out.
    std::atomic<std::uint64_t> detached{0};
    // Bytes of keys of hits.
    std::atomic<std::uint64_t> bytes_not_parsed{0};
    std::atomic<std::uint64_t> inserts{0}; // entries now = inserts - evictions
    // Entries that retention holds now.
    std::atomic<std::uint64_t> retained{0};
    // What these weigh, bytes.
    std::atomic<std::uint64_t> retained_bytes{0};
};
static_assert(sizeof(counter_stripe) == 64);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "counters are shared between processes");

// The counters of one cache: as many stripes as the table has shards.
inline constexpr std::size_t counter_stripes = 16;
// A cache's counters, 1 KiB. All zero is a valid start.
using counter_block = std::array<counter_stripe, counter_stripes>;

namespace detail {

// Increments a counter that only one thread at a time writes, so no read-modify-write is needed. Release: a
// thread that reads that an entry has ended reads that it was inserted, too (pairs with the acquire in
// statistics_sum), although another stripe has counted that.
inline void bump(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_release);
}

// A sum over stripes. The ends of all stripes are read first, so that an entry that ends meanwhile counts as
// existing, and ends never outnumber inserts.
class statistics_sum {
public:
    void add_ends(const counter_stripe& from) noexcept {
        sum_.evictions += from.evictions.load(std::memory_order_acquire);
    }
    void add_rest(const counter_stripe& from) noexcept {
        sum_.hits += from.hits.load(std::memory_order_relaxed);
        sum_.misses += from.misses.load(std::memory_order_relaxed);
        sum_.detached += from.detached.load(std::memory_order_relaxed);
        sum_.bytes_not_parsed += from.bytes_not_parsed.load(std::memory_order_relaxed);
        inserts_ += from.inserts.load(std::memory_order_relaxed);
        sum_.retained += from.retained.load(std::memory_order_relaxed);
        sum_.retained_bytes += from.retained_bytes.load(std::memory_order_relaxed);
    }
    [[nodiscard]] statistics total() const noexcept {
        statistics s = sum_;
        s.entries = inserts_ > s.evictions ? inserts_ - s.evictions : 0;
        s.retained = detail::least(s.retained, s.entries);
        s.active = s.entries - s.retained;
        return s;
    }

private:
    statistics sum_;
    std::uint64_t inserts_ = 0;
};

} // namespace detail

// What a block says now. Any thread, also while others count in it.
[[nodiscard]] inline statistics sum(const counter_block& block) noexcept {
    detail::statistics_sum all;
    for (const counter_stripe& stripe : block) {
        all.add_ends(stripe);
    }
    for (const counter_stripe& stripe : block) {
        all.add_rest(stripe);
    }
    return all.total();
}

} // namespace layout_1
} // namespace ibid
