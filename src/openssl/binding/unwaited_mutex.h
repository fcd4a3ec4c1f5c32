// SPDX-License-Identifier: Apache-2.0
//
// A mutex for functions that take no lock in stock, which a signal handler or a stranded child may call.
//
// Law: no thread waits for a lock that may not be released. lock() returns false in a signal handler that has
// interrupted this thread under such a lock, and in a stranded child. The caller then works without the lock.
// A thread holds at most one such lock.
#pragma once

#include <atomic>

#include "ibid/detail/base/mutex.h"
#include "stranded_child.h"

namespace ibid::openssl {

class IBID_CAPABILITY unwaited_mutex {
public:
    constexpr unwaited_mutex() = default;
    unwaited_mutex(const unwaited_mutex&) = delete;
    unwaited_mutex& operator=(const unwaited_mutex&) = delete;

    // Whether this thread must not wait now.
    [[nodiscard]] static bool cannot_wait() noexcept { return one_is_held_here || is_stranded(); }

    [[nodiscard]] bool lock() noexcept IBID_TRY_ACQUIRE(true) IBID_NO_THREAD_SAFETY_ANALYSIS {
        stranded_child::watch();
        if (cannot_wait()) {
            return false;
        }
        one_is_held_here = true;
        std::atomic_signal_fence(std::memory_order_seq_cst);
        mutex_.lock();
        return true;
    }
    void unlock() noexcept IBID_RELEASE() IBID_NO_THREAD_SAFETY_ANALYSIS {
        mutex_.unlock();
        std::atomic_signal_fence(std::memory_order_seq_cst);
        one_is_held_here = false;
    }

    // Around fork(), on a thread that holds none.
    void lock_for_fork() noexcept IBID_ACQUIRE() IBID_NO_THREAD_SAFETY_ANALYSIS { mutex_.lock(); }
    void unlock_after_fork() noexcept IBID_RELEASE() IBID_NO_THREAD_SAFETY_ANALYSIS { mutex_.unlock(); }

private:
    static inline constinit thread_local bool one_is_held_here = false;
    detail::mutex mutex_;
};

// Holds one for a scope, if it can be had; for Clang's analysis, always.
class IBID_SCOPED_CAPABILITY unwaited_lock {
public:
    explicit unwaited_lock(unwaited_mutex& m) noexcept IBID_ACQUIRE(m) IBID_NO_THREAD_SAFETY_ANALYSIS
        : mutex_(m.lock() ? &m : nullptr) {}
    unwaited_lock(const unwaited_lock&) = delete;
    unwaited_lock& operator=(const unwaited_lock&) = delete;
    ~unwaited_lock() IBID_RELEASE() IBID_NO_THREAD_SAFETY_ANALYSIS {
        if (mutex_ != nullptr) {
            mutex_->unlock();
        }
    }
    explicit operator bool() const noexcept { return mutex_ != nullptr; }

private:
    unwaited_mutex* const mutex_;
};

} // namespace ibid::openssl
