// SPDX-License-Identifier: Apache-2.0
//
// A pair of fences of unequal price: `light` costs the frequent side nothing but the compiler's freedom, `heavy` makes
// the rare side pay for both with the membarrier(2) system call.
//
// Law: of a store before a light fence and a store before a heavy fence, at least one is seen by the load that follows
// the other's fence. That is what two sequentially consistent fences give, and what Dekker's and Peterson's algorithms need.
//
//     owner:   inside = true;  light();  if (claimed) ...        // never both "not claimed"
//     others:  claimed = true; heavy();  while (inside) ...      // and "not inside"
//
// Where the kernel has no membarrier, or a sandbox forbids it, `heavy` is an ordinary fence, and so must `light` be:
// asymmetric_fences() says which it is, once for the process.
#pragma once

#include <atomic>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ibid::detail {

// True when light fences are free. The first call registers the process with the kernel; children inherit that.
[[nodiscard]] inline bool asymmetric_fences() noexcept {
    static const bool available =
        syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0 &&
        syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
    return available;
}

// ThreadSanitizer does not know fences, and need not: what pairs here is ordered by the atomics around them as well.
#if defined(__SANITIZE_THREAD__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"
#endif

inline void light_fence(bool asymmetric) noexcept {
    if (asymmetric) {
        std::atomic_signal_fence(std::memory_order_seq_cst);
    } else {
        std::atomic_thread_fence(std::memory_order_seq_cst);
    }
}

// The system call makes every processor that runs a thread of this process pass a full barrier before it returns; a
// thread that runs nowhere passes one when it is scheduled.
inline void heavy_fence(bool asymmetric) noexcept {
    if (asymmetric) {
        syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    } else {
        std::atomic_thread_fence(std::memory_order_seq_cst);
    }
}

#if defined(__SANITIZE_THREAD__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

} // namespace ibid::detail
