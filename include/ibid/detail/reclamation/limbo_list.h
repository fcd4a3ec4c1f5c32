// SPDX-License-Identifier: Apache-2.0
//
// What nobody can find any more, and a reader without a lock may still be looking at: entries whose value has been destroyed, and
// slots that a table has left.
//
// Law: two lists of entries wait at most, one that an epoch of the readers has closed (qsbr_domain.h), and one that fills. The first
// goes when all readers have seen that epoch, which is asked whenever the second is full; so little waits while all readers are
// awake. Where one sleeps, both grow to what makes a fence on all processors worth its price, and no more, unless a reader is
// interrupted in the middle of a look.
//
// Each thread that reads has a limbo of its own in each table, which nobody else touches: what it frees it has most often made,
// and a heap that knows threads is fastest with that. Who drops and never looks uses that of the shard, under its lock.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ibid {
inline namespace layout_1 {
namespace detail {

struct value_header;

struct retired_entries {
    value_header* first = nullptr; // and from there by next_retired, to:
    value_header* last = nullptr;
    std::size_t count = 0;
    std::size_t once_hot = 0; // of these, entries that keep a place among the hot values
};

// When arrays of slots that wait are worth a fence: at 16 KiB.
inline constexpr std::size_t slots_worth_a_fence = (std::size_t{16} << 10) / sizeof(void*);

// Places among the hot values are few, so that entries with one wait in small numbers.
inline constexpr std::size_t hot_worth_a_fence = 8;

struct limbo_list {
    retired_entries sealed;  // unreachable since before `epoch`
    std::uint64_t epoch = 0; // of the readers
    retired_entries open;
};

// When a list of entries that keep so many bytes each is full, and when it is worth a fence.
[[nodiscard]] constexpr std::size_t full_at(std::size_t bytes) noexcept {
    const std::size_t fit = (std::size_t{4} << 10) / bytes;
    return fit < 1 ? 1 : fit > 32 ? 32 : fit;
}
[[nodiscard]] constexpr std::size_t worth_a_fence_at(std::size_t bytes) noexcept {
    constexpr std::size_t large = std::size_t{64} << 10;
    return bytes >= large ? 1 : 4 * full_at(bytes);
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
