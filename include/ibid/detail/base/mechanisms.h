// SPDX-License-Identifier: Apache-2.0
//
// The mechanisms of the core that exist only for speed. Each can be left out, to measure its effect: `./dev
// bench ablation` compiles the core once without each, by -DIBID_WITHOUT=NAME.
//
// Law: programs do not define IBID_WITHOUT. Without a mechanism the core is still correct, but slower
// somewhere. Modules that differ in IBID_WITHOUT must not share a process.
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
    miss_streak,           // without: a thread that only misses still tries the lock-free lookup
    hot_values,            // without: every reference is counted in the value itself
    single_reader,         // without: a table of one thread frees no earlier than any other
    epochs,                // without: memory is freed only after a heavy fence
    own_limbo,             // without: retired entries wait in the shard; implies no table_pin
    own_counters,          // without: operations under a lock are counted in the shard
    table_pin,             // without: an entry that ends takes the shard's lock twice
    insert_without_flight, // without: inserting a ready value uses a flight
    unlock_by_store,       // without: spinning_mutex::unlock() is an atomic exchange
    first_timers           // without: retention admits keys that are seen for the first time
};

[[nodiscard]] consteval bool has(mechanism m) noexcept {
    return m != mechanism::IBID_WITHOUT;
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
