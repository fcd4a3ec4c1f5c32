// SPDX-License-Identifier: Apache-2.0
//
// A reference count in stripes: each thread adds to a cache line of its own. A per-CPU reference count (Linux
// percpu_ref), by threads instead of CPUs.
//
// Invariants:
//  - Only the sum of all stripes means something. One stripe may be negative, because a reference may be
//    taken on one thread and dropped on another. The sum is taken once, by close().
//  - The stripes are open for one generation, or closed. Each change names the generation that it means and
//    fails at any other. So a late change is never counted in a closed stripe.
//
// hot_values.h says when they are opened and closed. Allocated under a lock, hence from malloc
// (malloc_allocator.h).
//
// Thread safety: add(), any thread; open() and close(), one thread at a time.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "ibid/detail/base/few_includes.h"
#include "ibid/detail/port/aligned_memory.h"
#include "ibid/detail/port/compiled.h"
#include "ibid/detail/port/threads.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

class alignas(64) sharded_count {
public:
    // Null without memory.
    [[nodiscard, IBID_SELDOM]] IBID_COMPILED static sharded_count* create() noexcept
#if IBID_COMPILES
    {
        const std::size_t stripes =
            std::bit_ceil(least(greatest(2 * processors(), std::size_t{2}), std::size_t{64}));
        void* const memory = allocate_aligned(alignof(sharded_count), (1 + stripes) * sizeof(stripe));
        return memory != nullptr ? ::new (memory) sharded_count(stripes) : nullptr;
    }
#else
        ;
#endif
    sharded_count(const sharded_count&) = delete;
    sharded_count& operator=(const sharded_count&) = delete;

    // Adds `n` references for thread number `thread`. False if the stripes are not open for `generation`.
    // Acquire: the new holder sees what the opener saw. Release: a holder's reads of the value happen before
    // its end; pairs with the exchange in close().
    [[nodiscard]] bool add(unsigned thread, unsigned generation, std::int64_t n) noexcept {
        std::atomic<std::uint64_t>& word = stripes_behind()[thread & mask_].word;
        for (std::uint64_t now = word.load(std::memory_order_relaxed);
             now >> generation_shift == generation;) {
            if (word.compare_exchange_weak(now, now + static_cast<std::uint64_t>(n),
                                           std::memory_order_acq_rel, std::memory_order_relaxed)) {
                return true;
            }
        }
        return false;
    }

    // `generation`: from 1 to 255.
    void open(unsigned generation) noexcept {
        for (std::size_t i = 0; i <= mask_; ++i) {
            stripes_behind()[i].word.store((std::uint64_t{generation} << generation_shift) + zero,
                                           std::memory_order_release);
        }
    }
    [[nodiscard]] std::int64_t close() noexcept {
        std::int64_t sum = 0;
        for (std::size_t i = 0; i <= mask_; ++i) {
            const std::uint64_t word = stripes_behind()[i].word.exchange(closed, std::memory_order_acq_rel);
            sum += static_cast<std::int64_t>(word & ((std::uint64_t{1} << generation_shift) - 1)) -
                   std::int64_t{zero};
        }
        return sum;
    }

private:
    // A stripe: the generation in the upper byte, and below it the count plus `zero`.
    static constexpr unsigned generation_shift = 56;
    static constexpr std::uint64_t zero = std::uint64_t{1} << 55;
    static constexpr std::uint64_t closed = 0;

    struct alignas(64) stripe {
        std::atomic<std::uint64_t> word{closed};
    };

    explicit sharded_count(std::size_t stripes) noexcept : mask_(stripes - 1) {
        for (std::size_t i = 0; i < stripes; ++i) {
            ::new (static_cast<void*>(stripes_behind() + i)) stripe();
        }
    }
    [[nodiscard]] stripe* stripes_behind() noexcept {
        return reinterpret_cast<stripe*>(this + 1);
    }

    std::size_t mask_; // the number of stripes, a power of two, minus one
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
