// SPDX-License-Identifier: Apache-2.0
//
// A mutex for locks that are held for some tens of nanoseconds: unlocking is a plain store, and whoever waits looks again.
//
// Law: mutual exclusion, as of std::mutex, with two differences: it may be locked on one thread and unlocked by another, as in
// the child of a fork; and whoever has waited in vain sleeps for a while and is not woken. That happens when the holder has lost
// its processor in the middle, or when others hold the lock most of the time; it costs the waiter up to 0.1 ms more, and saves
// every unlock an atomic exchange, which is a quarter of what churn costs. (Measured by `./dev bench core --only churn`. Not for
// locks that are held for long.)
//
// Who waits looks again three times within a fraction of a microsecond, as a holder is nearly always out by then; and then
// stands back for ten. Each look takes the line from the holder, who will want it again for the unlock, and whose work under the
// lock is mostly in lines that come along: two threads that want one lock all the time get four times as much done by long turns.
//
// The sleep is a futex that times out: allowed wherever a mutex is, and no cancellation point. As of other mutexes, errno stays.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace ibid {
inline namespace layout_1 {
namespace detail {

class spinning_mutex {
public:
    constexpr spinning_mutex() noexcept = default;
    spinning_mutex(const spinning_mutex&) = delete;
    spinning_mutex& operator=(const spinning_mutex&) = delete;

    // Acquire pairs with the release in unlock().
    void lock() noexcept {
        if (!try_lock()) {
            wait();
        }
    }
    [[nodiscard]] bool try_lock() noexcept {
        return state_.exchange(taken, std::memory_order_acquire) == free;
    }
    void unlock() noexcept { state_.store(free, std::memory_order_release); }

private:
    enum : std::uint32_t { free, taken };
    static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t), "a futex is a word");

    [[gnu::noinline]] void wait() noexcept {
        const int error = errno;
        int pauses = 1;
        for (int round = 0;; ++round) {
            for (int waited = 0; waited < patience; waited += pauses) {
                if (state_.load(std::memory_order_relaxed) == free && try_lock()) {
                    errno = error;
                    return;
                }
                pauses = pauses < few_pauses ? 2 * pauses : many_pauses;
                for (int i = 0; i < pauses; ++i) {
                    pause();
                }
            }
            if (round < 4) {
                sched_yield();
            } else {
                const struct timespec while_somebody_else_runs { 0, 50'000 };
                syscall(SYS_futex, &state_, FUTEX_WAIT_PRIVATE, taken, &while_somebody_else_runs, nullptr, 0);
            }
        }
    }

    static void pause() noexcept {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        asm volatile("yield");
#endif
    }

    static constexpr int few_pauses = 4;
    // Where one takes 140 cycles, as Intel's do, some ten microseconds.
    static constexpr int many_pauses = 256;
    // Then others may have this processor: the holder might be one of them.
    static constexpr int patience = 2 * many_pauses;

    std::atomic<std::uint32_t> state_{free};
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
