// SPDX-License-Identifier: Apache-2.0
//
// A fence that others pay for: the rare side of a race runs a full barrier on every processor that runs a thread of this
// process (the membarrier(2) system call), so that the frequent side needs none.
//
// Law: of a store before asymmetric_fence_light() and a store before asymmetric_fence_heavy(), at least one is seen by the load that
// follows the other's fence. That is what two sequentially consistent fences give, and what qsbr_domain.h and pool/thread_cache.h need.
#pragma once

#include <atomic>
#include <cerrno>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ibid {
inline namespace layout_1 {
namespace detail {

// False where the kernel has no membarrier, or a sandbox forbids it. The first call registers the process with the kernel;
// children inherit that. Threads that come at once each ask: a guard that one of them holds meanwhile, which takes some
// milliseconds, would be held for ever in the child of a fork.
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

// Each thread of the process passes a full barrier before this returns; one that runs nowhere, when it is scheduled. False: it
// could not be done, although it could before: a sandbox was entered meanwhile, or the kernel has no memory.
[[nodiscard]] inline bool asymmetric_fence_heavy() noexcept {
    const int error = errno;
    const bool done = syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
    errno = error;
    return done;
}

// No instruction: it binds the compiler alone.
inline void asymmetric_fence_light() noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
