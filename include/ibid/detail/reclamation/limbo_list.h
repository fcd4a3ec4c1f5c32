// SPDX-License-Identifier: Apache-2.0
//
// Retired entries that wait until no reader can see them. ("Limbo list" is Fraser's term, Practical
// lock-freedom, 2004.)
//
// A limbo list has two parts: one sealed with an epoch (qsbr_domain.h), and one open. The sealed part can be
// freed when every participant has quiesced since that epoch. This is tested whenever the open part is full;
// then the open part is sealed. So little memory waits while all readers are active. If a reader sleeps, both
// parts grow until a heavy fence is worth its price. They grow further only while a reader is interrupted
// inside a lookup, or if the fence is not available.
//
// Each participant has its own limbo list in each table. A thread mostly frees what it has allocated itself,
// which per-thread heaps like best. A thread that never reads uses the list of the shard, under the shard's
// lock.
//
// Thread safety: none. A participant's list belongs to its thread; a shard's list is used under the shard's
// lock.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ibid {
inline namespace layout_1 {
namespace detail {

struct value_header;

struct retired_entries {
    value_header* first = nullptr; // linked by next_retired
    value_header* last = nullptr;
    std::size_t count = 0;
    std::size_t once_hot = 0; // how many of them still own a cell of hot_values
};

struct limbo_list {
    retired_entries sealed; // unreachable since before `epoch`
    std::uint64_t epoch = 0;
    retired_entries open;
};

// Outgrown arrays of slots justify a heavy fence at 16 KiB.
inline constexpr std::size_t slots_worth_a_fence = (std::size_t{16} << 10) / sizeof(void*);

// There are few cells for hot values, so entries that own one must not wait in large numbers.
inline constexpr std::size_t hot_worth_a_fence = 8;

// The open part is full at 4 KiB or 32 entries. `bytes`: size of one entry.
[[nodiscard]] constexpr std::size_t full_at(std::size_t bytes) noexcept {
    const std::size_t fit = (std::size_t{4} << 10) / bytes;
    return fit < 1 ? 1 : fit > 32 ? 32 : fit;
}
// A list of this many entries justifies a heavy fence.
[[nodiscard]] constexpr std::size_t worth_a_fence_at(std::size_t bytes) noexcept {
    constexpr std::size_t large = std::size_t{64} << 10;
    return bytes >= large ? 1 : 4 * full_at(bytes);
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
