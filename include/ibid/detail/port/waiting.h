// SPDX-License-Identifier: Apache-2.0
//
// How a thread waits for another one. For a short wait: a pause between two checks, yielding the processor,
// and a short sleep. For a long wait: it sleeps until it is woken.
//
// Law: nothing here is a cancellation point, calls user code, or allocates. A thread can be woken from
// another module. So on Linux both sides are futex calls: libstdc++'s std::atomic::wait() keeps the sleepers
// in a table of each module, and notify_one() searches only its own module's table. On other systems the
// process has one standard library.
//
// The short sleep ends only by timeout:
//
//     Linux      a futex: sandboxes that allow any mutex allow it
//     POSIX      nanosleep(), with cancellation turned off, since it is a cancellation point
//     Windows    Sleep(), whose unit is a millisecond
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "ibid/detail/port/system.h"

#if defined(IBID_ON_WINDOWS)
#include "ibid/detail/port/windows.h"
#else
#include <sched.h>
#include <time.h>
#endif
#if defined(IBID_HAS_LINUX_CALLS)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif !defined(IBID_ON_WINDOWS)
#include <pthread.h>
#endif

namespace ibid {
inline namespace layout_1 {
namespace detail {

inline void pause() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#else
    std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
}

inline void give_way() noexcept {
#if defined(IBID_ON_WINDOWS)
    ::SwitchToThread();
#else
    sched_yield();
#endif
}

// Sleeps while `word` is `value`, but at most some 50 microseconds (about a millisecond on Windows). May
// change errno.
inline void sleep_a_little([[maybe_unused]] std::atomic<std::uint32_t>& word,
                           [[maybe_unused]] std::uint32_t value) noexcept {
#if defined(IBID_ON_WINDOWS)
    ::Sleep(1);
#else
    const struct timespec timeout { 0, 50'000 };
#if defined(IBID_HAS_LINUX_CALLS)
    static_assert(sizeof word == sizeof(std::uint32_t), "a futex is a word");
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, &timeout, nullptr, 0);
#else
    int former = PTHREAD_CANCEL_ENABLE;
    const bool turned_off = pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &former) == 0;
    nanosleep(&timeout, nullptr);
    if (turned_off) {
        pthread_setcancelstate(former, nullptr);
    }
#endif
#endif
}

// Sleeps while `word` is `value`, until wake is called; may return spuriously. errno is preserved.
inline void sleep_while(std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
    const int error = errno;
#if defined(IBID_HAS_LINUX_CALLS)
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
#else
    word.wait(value, std::memory_order_acquire);
#endif
    errno = error;
}

// Call after `word` was changed. `word` may no longer exist. errno is preserved.
inline void wake_all(std::atomic<std::uint32_t>& word) noexcept {
    const int error = errno;
#if defined(IBID_HAS_LINUX_CALLS)
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 0x7fffffff, nullptr, nullptr, 0);
#else
    word.notify_all();
#endif
    errno = error;
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
