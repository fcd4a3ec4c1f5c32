// SPDX-License-Identifier: Apache-2.0
//
// The bytes that a process under ibid shows to the `ibid` command: one region, a head and then slots, one slot a process.
//
// Law: the layout is fixed for a `version`, and all-zero bytes are a valid free slot, so that a region is a sparse memfd
// whose untouched slots cost nothing. Every word that two processes may touch at once is a lock-free atomic. Nothing read
// from a region is trusted: a reader checks magic, version, stride and capacity, and takes text only up to its array's end.
//
//     offset 0          head      (one stride)
//     offset stride     slot 0    (one stride: whole pages, so that a process can map its own slot alone)
//     offset 2 stride   slot 1    ...
#pragma once

#include <ibid/statistics.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ibid::shared_statistics {

inline constexpr const char* mapping_name =
    "ibid-statistics"; // /proc/PID/maps shows "/memfd:ibid-statistics (deleted)"
inline constexpr std::uint64_t magic_number = 0x5441545344494249; // "IBIDSTAT" as little-endian bytes
inline constexpr std::uint32_t layout_version = 1;
inline constexpr std::uint32_t shared_capacity =
    1024; // processes at one time in a region of `ibid run --stats`

// What is counted, one block each.
enum class kind : std::uint32_t { certificates, crls, trust_stores, signatures, count_ };
inline constexpr std::size_t kinds = static_cast<std::size_t>(kind::count_);

enum class slot_state : std::uint32_t {
    free,     // zero bytes: never used
    running,  // its process publishes into it
    exited,   // its process said that it ended; the figures stay until the slot is needed again
    recycling // somebody is folding an ended process's figures into the head
};

struct alignas(64) slot {
    std::atomic<std::uint32_t> state; // a slot_state
    std::atomic<std::uint32_t> pid;   // in the process's own PID namespace
    std::atomic<std::uint64_t>
        pid_namespace;                 // inode of /proc/self/ns/pid: PIDs are comparable within one only
    std::atomic<std::uint32_t> helped; // 1 once the process met an OpenSSL that ibid knows
    std::atomic<std::uint32_t> index;  // its place in the region
    std::array<std::atomic<char>, 192> reason; // why it was not helped; text, ends with a zero
    std::array<counter_block, kinds> blocks;

    [[nodiscard]] counter_block& operator[](kind k) noexcept { return blocks[static_cast<std::size_t>(k)]; }
    [[nodiscard]] const counter_block& operator[](kind k) const noexcept {
        return blocks[static_cast<std::size_t>(k)];
    }
};

struct alignas(64) head {
    std::uint64_t magic;
    std::uint32_t version;
    std::uint32_t stride;                       // bytes from slot to slot
    std::uint32_t capacity;                     // slots; 1: the private region of one process
    std::atomic<std::uint32_t> used;            // slots below this one have been claimed at some time
    std::atomic<std::uint64_t> joined;          // processes that claimed a slot
    std::atomic<std::uint64_t> refused;         // processes that found no slot
    std::atomic<std::uint64_t> departed_helped; // of those folded into `departed`, the ones that were helped
    std::array<counter_block, kinds> departed;  // sums over processes whose slots were given to others
};

inline constexpr std::size_t minimum_stride = 8192;
static_assert(sizeof(slot) <= minimum_stride && sizeof(head) <= minimum_stride);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free && std::atomic<char>::is_always_lock_free);

} // namespace ibid::shared_statistics
