// SPDX-License-Identifier: Apache-2.0
//
// An asymmetric fence (P1202; folly's AsymmetricThreadFence.h). The frequent side runs a light fence, which
// is no instruction. The rare side runs a heavy one: a system call that is a full barrier on every processor
// that runs a thread of this process (port/process_barrier.h). Systems without such a call run an ordinary
// fence on both sides.
//
// Law: thread A stores x, runs the light fence and loads y. Thread B stores y, runs the heavy fence and loads
// x. At least one of them sees the other's store, as with two sequentially consistent fences. qsbr_domain.h
// and pool/thread_cache.h rely on it.
#pragma once

#include <atomic>

#include "ibid/detail/port/process_barrier.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

// False if the kernel has no membarrier, or a sandbox forbids it. The first call registers the process;
// children inherit that. Several threads may register at once. There is no lock: it would be held for some
// milliseconds, and a child forked meanwhile would find it locked for ever.
[[nodiscard]] inline bool asymmetric_fence_available() noexcept {
    enum : unsigned char { unknown, no, yes };
    static constinit std::atomic<unsigned char> answer{unknown}; // relaxed: it publishes nothing else
    unsigned char known = answer.load(std::memory_order_relaxed);
    if (known == unknown) [[unlikely]] {
        known = process_barrier::enable() ? yes : no;
        answer.store(known, std::memory_order_relaxed);
    }
    return known == yes;
}

// Every running thread of the process passes a full barrier before this returns; a thread that is not running
// does so when it is scheduled. False: the kernel refused, because the process has entered a sandbox since,
// or memory ran out.
[[nodiscard]] inline bool asymmetric_fence_heavy() noexcept {
    return process_barrier::run();
}

// Only keeps the compiler from reordering. (A fence instruction on systems without such a system call.)
inline void asymmetric_fence_light() noexcept {
    if constexpr (process_barrier::exists) {
        std::atomic_signal_fence(std::memory_order_seq_cst);
    } else {
        std::atomic_thread_fence(std::memory_order_seq_cst);
    }
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
