// SPDX-License-Identifier: Apache-2.0
//
// A mutex for critical sections of some tens of nanoseconds. Unlocking is a plain store; a waiter spins, then
// polls.
//
// Law: mutual exclusion, as with std::mutex, with two differences:
//  - It may be locked on one thread and unlocked on another, as in the child of a fork.
//  - A waiter that has spun long enough sleeps with a timeout; unlock() wakes nobody. This happens when the
//    holder loses its processor, or under heavy contention. It costs the waiter up to 0.1 ms. It saves every
//    unlock an atomic exchange, which is a quarter of the cost of churn (`./dev bench core --only churn`). Do
//    not use it for long critical sections.
//
// A waiter checks three times within a fraction of a microsecond, because the holder is usually done by then.
// After that it backs off for ten microseconds. Each check takes the cache line from the holder, which needs
// it for the unlock and for the data next to it. With this backoff, two threads in constant contention do
// four times as much work.
//
// The sleep is no cancellation point (port/waiting.h). errno is preserved.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "ibid/detail/port/compiled.h"
#include "ibid/detail/port/waiting.h"

#include "ibid/detail/base/mechanisms.h"
#include "ibid/detail/base/mutex.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

class IBID_CAPABILITY spinning_mutex {
public:
    constexpr spinning_mutex() noexcept = default;
    spinning_mutex(const spinning_mutex&) = delete;
    spinning_mutex& operator=(const spinning_mutex&) = delete;

    // Acquire pairs with the release in unlock().
    void lock() noexcept IBID_ACQUIRE() IBID_NO_THREAD_SAFETY_ANALYSIS {
        if (!try_lock()) {
            wait();
        }
    }
    [[nodiscard]] bool try_lock() noexcept IBID_TRY_ACQUIRE(true) {
        return state_.exchange(taken, std::memory_order_acquire) == free;
    }
    void unlock() noexcept IBID_RELEASE() {
        if constexpr (has(mechanism::unlock_by_store)) {
            state_.store(free, std::memory_order_release);
        } else {
            state_.exchange(free, std::memory_order_release);
        }
    }

private:
    enum : std::uint32_t { free, taken };

    [[IBID_SELDOM]] IBID_COMPILED void wait() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS
#if IBID_COMPILES
    {
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
                give_way();
            } else {
                sleep_a_little(state_, taken);
            }
        }
    }
#else
        ;
#endif

    static constexpr int few_pauses = 4;
    // About ten microseconds where a pause takes 140 cycles, as on Intel.
    static constexpr int many_pauses = 256;
    // Then yield the processor: the holder may be waiting for it.
    static constexpr int patience = 2 * many_pauses;

    std::atomic<std::uint32_t> state_{free};
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
