// SPDX-License-Identifier: Apache-2.0
//
// A mutex, a guard, and attributes by which Clang checks which locks are held (-Wthread-safety). Other
// compilers ignore them.
//
//     mutex mutex_;
//     std::size_t count_ IBID_GUARDED_BY(mutex_) = 0;     // only read and written under it
//     void settle() IBID_REQUIRES(mutex_);                // the caller holds it
//
// A class of our own, because libstdc++ does not annotate std::mutex, and <mutex> includes all of <chrono>.
// `./dev lint` checks; docs/decisions/0025 says what is not annotated, and why.
//
// Source: Clang, "Thread Safety Analysis". LevelDB's port/ and Abseil's mutex.h do the same.
#pragma once

#include "ibid/detail/port/system.h"

#if defined(IBID_ON_WINDOWS)
#include <mutex>
#else
#include <pthread.h>
#endif

#if defined(__clang__)
#define IBID_THREAD_SAFETY(attribute) __attribute__((attribute))
#else
#define IBID_THREAD_SAFETY(attribute)
#endif
#define IBID_CAPABILITY IBID_THREAD_SAFETY(capability("mutex"))
#define IBID_SCOPED_CAPABILITY IBID_THREAD_SAFETY(scoped_lockable)
#define IBID_GUARDED_BY(mutex) IBID_THREAD_SAFETY(guarded_by(mutex))
#define IBID_REQUIRES(...) IBID_THREAD_SAFETY(requires_capability(__VA_ARGS__))
#define IBID_ACQUIRE(...) IBID_THREAD_SAFETY(acquire_capability(__VA_ARGS__))
#define IBID_TRY_ACQUIRE(...) IBID_THREAD_SAFETY(try_acquire_capability(__VA_ARGS__))
#define IBID_RELEASE(...) IBID_THREAD_SAFETY(release_capability(__VA_ARGS__))
// For code that the analysis cannot follow: locks taken in a loop, or taken in one function and released in
// another. A comment there says which.
#define IBID_NO_THREAD_SAFETY_ANALYSIS IBID_THREAD_SAFETY(no_thread_safety_analysis)

namespace ibid {
inline namespace layout_1 {
namespace detail {

class IBID_CAPABILITY mutex {
public:
    mutex() = default; // constexpr, except on Windows
    mutex(const mutex&) = delete;
    mutex& operator=(const mutex&) = delete;

#if defined(IBID_ON_WINDOWS)
    void lock() IBID_ACQUIRE() {
        mutex_.lock();
    }
    [[nodiscard]] bool try_lock() noexcept IBID_TRY_ACQUIRE(true) {
        return mutex_.try_lock();
    }
    void unlock() noexcept IBID_RELEASE() {
        mutex_.unlock();
    }

private:
    std::mutex mutex_;
#else
#if !defined(__linux__)
    ~mutex() {
        pthread_mutex_destroy(&mutex_);
    } // elsewhere a mutex may own memory
#endif
    void lock() noexcept IBID_ACQUIRE() IBID_NO_THREAD_SAFETY_ANALYSIS {
        pthread_mutex_lock(&mutex_);
    }
    [[nodiscard]] bool try_lock() noexcept IBID_TRY_ACQUIRE(true) IBID_NO_THREAD_SAFETY_ANALYSIS {
        return pthread_mutex_trylock(&mutex_) == 0;
    }
    void unlock() noexcept IBID_RELEASE() IBID_NO_THREAD_SAFETY_ANALYSIS {
        pthread_mutex_unlock(&mutex_);
    }

private:
    pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
#endif
};

// Holds a lock for a scope.
template <class Mutex>
class IBID_SCOPED_CAPABILITY lock_guard {
public:
    explicit lock_guard(Mutex& m) IBID_ACQUIRE(m) : mutex_(m) { m.lock(); }
    lock_guard(const lock_guard&) = delete;
    lock_guard& operator=(const lock_guard&) = delete;
    ~lock_guard() IBID_RELEASE() { mutex_.unlock(); }

private:
    Mutex& mutex_;
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
