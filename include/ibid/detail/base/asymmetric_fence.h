// SPDX-License-Identifier: Apache-2.0
//
// An asymmetric fence (P1202; folly's AsymmetricThreadFence.h). The frequent side runs a light fence, which
// is no instruction. The rare side runs a heavy one: the membarrier(2) system call, a full barrier on every
// processor that runs a thread of this process.
//
// Law: thread A stores x, runs the light fence and loads y. Thread B stores y, runs the heavy fence and loads
// x. At least one of them sees the other's store, as with two sequentially consistent fences. qsbr_domain.h
// and pool/thread_cache.h rely on it.
#pragma once

#include <atomic>
#include <cerrno>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ibid {
inline namespace layout_1 {
namespace detail {

// False if the kernel has no membarrier, or a sandbox forbids it. The first call registers the process;
// children inherit that. Several threads may register at once. A lock around it would be held for some
// milliseconds, and in the child of a fork for ever.
[[nodiscard]] inline bool asymmetric_fence_available() noexcept {
    enum : unsigned char { unknown, no, yes };
    static constinit std::atomic<unsigned char> answer{unknown}; // relaxed: it publishes nothing else
    unsigned char known = answer.load(std::memory_order_relaxed);
    if (known == unknown) [[unlikely]] {
        const int error = errno;
        known = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0 &&
                        syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0
                    ? yes
                    : no;
        errno = error;
        answer.store(known, std::memory_order_relaxed);
    }
    return known == yes;
}

// Every running thread of the process passes a full barrier before this returns; a thread that is not running
// does so when it is scheduled. False: the kernel refused, because the process has entered a sandbox since,
// or memory ran out.
[[nodiscard]] inline bool asymmetric_fence_heavy() noexcept {
    const int error = errno;
    const bool done = syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
    errno = error;
    return done;
}

// No instruction: it only keeps the compiler from reordering.
inline void asymmetric_fence_light() noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
