// SPDX-License-Identifier: Apache-2.0
//
// The mechanisms of the core that exist for speed alone, so that each can be left out and what it buys
// measured: `./dev bench ablation` compiles the core once for each, with -DIBID_WITHOUT=NAME.
//
// Law: programs define no IBID_WITHOUT. Without a mechanism the core is correct, and slower somewhere.
// Modules that differ in it may not share a process.
#pragma once

#ifndef IBID_WITHOUT
#define IBID_WITHOUT nothing
#endif

namespace ibid {
inline namespace layout_1 {
namespace detail {

enum class mechanism {
    nothing,
    lock_free_lookup,      // without: every lookup takes the shard's lock
    recent_records,        // without: a thread searches for its record in the table at every lookup
    asymmetric_fence,      // without: a full fence in every lookup
    miss_streak,           // without: a thread that only misses still tries to find without the lock
    hot_values,            // without: every reference is counted in the value itself
    single_reader,         // without: what a table of one thread frees waits as everywhere
    epochs,                // without: only a heavy fence proves that memory can be freed
    own_limbo,             // without: what a thread retires waits in the shard; without table_pin, too
    own_counters,          // without: what is done under a lock is counted in the shard
    table_pin,             // without: an entry that ends takes the shard's lock twice
    insert_without_flight, // without: a value that is there already goes through a flight
    unlock_by_store,       // without: spinning_mutex::unlock() is an atomic exchange
    first_timers           // without: retention admits keys that are seen for the first time
};

[[nodiscard]] consteval bool has(mechanism m) noexcept {
    return m != mechanism::IBID_WITHOUT;
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
