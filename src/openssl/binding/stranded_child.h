// SPDX-License-Identifier: Apache-2.0
//
// A child of a process with several threads, made by _Fork() or clone() without fork handlers. Another thread
// may have held a lock of ibid's, which is never released in the child.
//
// The kernel clears one byte in each child, by which ibid detects it (MADV_WIPEONFORK, Linux 4.14). In a
// stranded child nothing is shared any more, and ibid takes no lock.
//
// Law: system calls only at load. A process with one thread does not write to the page.
#pragma once

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>

#include "one_thread.h"

namespace ibid::openssl {

namespace stranded_child {

// Null: the system has no such pages, or does not permit them. Written once, at load.
inline constinit std::atomic<unsigned char>* mark = nullptr;
// The mark is set. Release after it, acquire before it is read.
inline constinit std::atomic<bool> is_marked{false};

inline void prepare() noexcept {
#if defined(SYS_mmap) && defined(MADV_WIPEONFORK)
    constexpr std::size_t largest_page = std::size_t{1} << 16;
    const long page = ::syscall(SYS_mmap, nullptr, largest_page, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
    if (page > 0 && ::syscall(SYS_madvise, page, largest_page, MADV_WIPEONFORK) == 0) {
        mark = reinterpret_cast<std::atomic<unsigned char>*>(page);
    }
#endif
}

// Before a lock is taken while there may be other threads.
inline void watch() noexcept {
    if (!is_marked.load(std::memory_order_relaxed) && mark != nullptr && !has_one_thread()) {
        mark->store(1, std::memory_order_relaxed);
        is_marked.store(true, std::memory_order_release);
    }
}

// This is a child of fork(), and ibid has been told.
inline void forget() noexcept {
    if (is_marked.load(std::memory_order_relaxed)) { // else not one page of the child's is written to
        is_marked.store(false, std::memory_order_relaxed);
    }
}

} // namespace stranded_child

[[nodiscard]] inline bool is_stranded() noexcept {
    return stranded_child::is_marked.load(std::memory_order_acquire) &&
           stranded_child::mark->load(std::memory_order_relaxed) == 0;
}

} // namespace ibid::openssl
