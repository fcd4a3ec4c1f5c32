// SPDX-License-Identifier: Apache-2.0
//
// The reclaimer of tables without lock-free readers: what is unlinked under the lock can be freed at once. It
// has those members of reclaimer (reclaimer.h) that the interner calls; they do nothing.
#pragma once

#include <atomic>
#include <cstddef>

#include "ibid/detail/base/mutex.h"
#include "ibid/statistics.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

class no_reclaimer {
public:
    static constexpr bool reads_without_lock = false;
    struct waiting {};
    struct no_participant {};

    template <class Allocator>
    explicit no_reclaimer(const Allocator&) noexcept {}

    [[nodiscard]] static constexpr no_participant known_here() noexcept { return {}; }
    [[nodiscard]] static constexpr bool single_reader() noexcept { return true; }

    template <class Shard>
    [[nodiscard]] static counter_stripe& counters_for(no_participant, Shard& s) noexcept {
        return *s.counters;
    }
    static void found_under_lock(no_participant) noexcept {}

    template <class Shard>
    [[nodiscard]] static bool retire(Shard& s, typename Shard::retired_array a) noexcept
        IBID_REQUIRES(s.mutex) {
        s.table.free(a);
        return false;
    }
    template <class Shard>
    static void free_outgrown_if_single(Shard&) noexcept {}
    template <class Shard>
    [[nodiscard]] static bool may_shrink(Shard&) noexcept {
        return true;
    }
    template <class Shard>
    static void reclaim(Shard&) noexcept {}
    template <class Shards>
    static void reclaim_all(Shards&) noexcept {}
    template <class Shards>
    static void free_all(Shards&) noexcept {}

    template <class Shard>
    [[nodiscard]] static bool pin_table(no_participant, Shard&) noexcept {
        return false;
    }
    template <class Entry>
    [[nodiscard]] static bool retire_and_unpin(no_participant, Entry&) noexcept {
        return false;
    }
    [[nodiscard]] static bool pinned_by_a_thread(std::atomic<std::size_t>&) noexcept { return false; }

    template <class Function>
    static void for_each_stripe(Function) noexcept {}
    static void add_hits(statistics&) noexcept {}
    static void forget_other_threads() noexcept {}
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
