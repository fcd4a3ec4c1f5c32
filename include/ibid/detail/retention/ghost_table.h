// SPDX-License-Identifier: Apache-2.0
//
// A ghost queue: remembers hashes of recent keys, not the keys. S3-FIFO uses it for evicted keys, and
// retained_entries uses it for first-timers.
//
// A ghost is half of a keyed hash and a sequence number, 8 bytes. A bucket of eight ghosts is one cache line.
//
// Invariants:
//  - Ghosts are hints: a lost ghost, or one that matches another key, costs a worse place in the eviction
//    order and nothing else.
//  - Memory: at most twice what the limit needs, and at most four times what the added keys need. Without
//    memory, fewer keys are remembered.
//
// Thread safety: none.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/base/few_includes.h"
#include "ibid/detail/base/malloc_allocator.h"
#include "ibid/detail/port/compiled.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

class ghost_table {
public:
    // Adds the key with this hash. The last `limit` keys are remembered.
    void remember(std::uint64_t hash, std::size_t limit) noexcept {
        const std::size_t wanted =
            least(limit, 2 * std::size_t{now_} + 1); // a large limit costs nothing if few keys are added
        if (wanted > buckets_.size() * bucket{}.size()) {
            fit(wanted);
        }
        if (!buckets_.empty()) {
            place(half(hash) | ++now_);
        }
    }

    // Whether the key is among the last `limit` keys; a hint.
    [[nodiscard]] bool contains(std::uint64_t hash, std::size_t limit) const noexcept {
        if (!buckets_.empty()) {
            for (const std::uint64_t ghost : buckets_[bucket_of(half(hash))]) {
                if (same_key(ghost, half(hash)) && age(ghost) < limit) {
                    return true;
                }
            }
        }
        return false;
    }

private:
    using bucket = std::array<std::uint64_t, 8>; // one cache line decides whether there is a ghost

    // Upper half of a ghost: half of the hash. Lower half: a sequence number. It wraps after 2^32; a few very
    // old ghosts then look recent.
    [[nodiscard]] static std::uint64_t half(std::uint64_t hash) noexcept { return hash << 32; }
    [[nodiscard]] static bool same_key(std::uint64_t a, std::uint64_t b) noexcept {
        return (a ^ b) >> 32 == 0;
    }
    [[nodiscard]] std::uint32_t age(std::uint64_t ghost) const noexcept {
        return now_ - static_cast<std::uint32_t>(ghost);
    }
    [[nodiscard]] std::size_t bucket_of(std::uint64_t ghost) const noexcept {
        return (ghost >> 32) & (buckets_.size() - 1);
    }

    // Replaces the same key's ghost, else the oldest in the bucket. Empty cells count as oldest.
    void place(std::uint64_t ghost) noexcept {
        bucket& in = buckets_[bucket_of(ghost)];
        std::uint64_t* gives_way = in.data();
        for (std::uint64_t& other : in) {
            if (same_key(other, ghost)) {
                other = ghost;
                return;
            }
            gives_way = age(other) > age(*gives_way) ? &other : gives_way;
        }
        *gives_way = ghost;
    }

    using buckets = std::vector<bucket, malloc_allocator<bucket>>;

    [[IBID_SELDOM]] void fit(std::size_t limit) noexcept {
        IBID_TRY {
            buckets old(std::bit_ceil(limit / bucket{}.size() + 1));
            old.swap(buckets_);
            for (const bucket& b : old) {
                for (const std::uint64_t ghost : b) {
                    if (ghost != 0) {
                        place(ghost);
                    }
                }
            }
        }
        IBID_CATCH(const std::bad_alloc&) { // NOLINT(bugprone-empty-catch): fewer are remembered
        }
    }

    buckets buckets_;       // none, or a power of two
    std::uint32_t now_ = 0; // how many keys were added
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
