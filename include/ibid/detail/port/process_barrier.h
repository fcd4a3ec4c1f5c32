// SPDX-License-Identifier: Apache-2.0
//
// A full memory barrier on every processor that runs a thread of this process, as a system call.
// asymmetric_fence.h is built on it, and on ordinary fences where there is none.
//
//     Linux      membarrier(2). A kernel or a sandbox may lack it, and a sandbox may be entered later.
//     Windows    FlushProcessWriteBuffers(), since Windows Vista.
//     others     none. (FreeBSD 14.1 has membarrier(2), which nobody has tried here. On macOS, what folly
//                and others use, a change of a page's protection, is no barrier on arm64.)
//
// errno is preserved.
#pragma once

#include <atomic>
#include <cerrno>

#include "ibid/detail/port/system.h"

#if defined(IBID_HAS_LINUX_CALLS)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(IBID_ON_WINDOWS) && !defined(IBID_PORTABLE)
#include "ibid/detail/port/windows.h"
#endif

namespace ibid {
inline namespace layout_1 {
namespace detail {

#if defined(IBID_HAS_LINUX_CALLS)

struct process_barrier {
    static constexpr bool exists = true;

    // Registers the process; children inherit that. Repeated calls are harmless. False: there is no such
    // barrier.
    [[nodiscard]] static bool enable() noexcept {
        const int error = errno;
        const bool enabled = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
        errno = error;
        return enabled && run();
    }
    // False: no barrier was run.
    [[nodiscard]] static bool run() noexcept {
        const int error = errno;
        const bool done = syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
        errno = error;
        return done;
    }
};

#elif defined(IBID_ON_WINDOWS) && !defined(IBID_PORTABLE)

struct process_barrier {
    static constexpr bool exists = true;
    [[nodiscard]] static bool enable() noexcept { return true; }
    [[nodiscard]] static bool run() noexcept {
        ::FlushProcessWriteBuffers();
        return true;
    }
};

#else

// An ordinary fence, which is enough if the other side has one as well.
struct process_barrier {
    static constexpr bool exists = false;
    [[nodiscard]] static bool enable() noexcept { return true; }
    [[nodiscard]] static bool run() noexcept {
        std::atomic_thread_fence(std::memory_order_seq_cst);
        return true;
    }
};

#endif

} // namespace detail
} // namespace layout_1
} // namespace ibid
