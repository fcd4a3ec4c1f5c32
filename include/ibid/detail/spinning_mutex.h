// SPDX-License-Identifier: Apache-2.0
//
// A mutex for locks that are held for some tens of nanoseconds: waits on the spot first, and sleeps only when that was in vain.
//
// Law: as std::mutex, but that it may be locked on one thread and unlocked by another, in the child of a fork. Sleeping and
// waking is the kernel's futex, by std::atomic::wait. (glibc's mutex costs half as much again when nobody else wants it, and
// sleeps at once when somebody does. Measured by `./dev bench core --only churn`.)
#pragma once

#include <atomic>
#include <cstdint>

namespace ibid::detail {

class spinning_mutex {
public:
    constexpr spinning_mutex() noexcept = default;
    spinning_mutex(const spinning_mutex&) = delete;
    spinning_mutex& operator=(const spinning_mutex&) = delete;

    // Acquire pairs with the release in unlock().
    void lock() noexcept {
        std::uint32_t now = free;
        if (!state_.compare_exchange_weak(now, taken, std::memory_order_acquire, std::memory_order_relaxed)) {
            wait();
        }
    }
    [[nodiscard]] bool try_lock() noexcept {
        std::uint32_t now = free;
        return state_.compare_exchange_strong(now, taken, std::memory_order_acquire,
                                              std::memory_order_relaxed);
    }
    void unlock() noexcept {
        if (state_.exchange(free, std::memory_order_release) == wanted) {
            state_.notify_one();
        }
    }

private:
    enum : std::uint32_t { free, taken, wanted }; // wanted: and somebody may be asleep

    [[gnu::noinline]] void wait() noexcept {
        for (int i = 0; i < patience; ++i) {
            if (state_.load(std::memory_order_relaxed) == free && try_lock()) {
                return;
            }
#if defined(__x86_64__)
            __builtin_ia32_pause();
#elif defined(__aarch64__)
            asm volatile("yield");
#endif
        }
        // Whoever sleeps leaves `wanted` behind, also when it gets the lock: others may be asleep.
        while (state_.exchange(wanted, std::memory_order_acquire) != free) {
            state_.wait(wanted, std::memory_order_relaxed);
        }
    }

    static constexpr int patience = 100;

    std::atomic<std::uint32_t> state_{free};
};

} // namespace ibid::detail
