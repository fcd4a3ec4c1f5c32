// SPDX-License-Identifier: Apache-2.0
//
// Threads as all modules of a process see them: a number for each, and a word that each has for itself.
//
//     POSIX      pthread_self(), pthread_key_create()
//     Windows    GetCurrentThreadId(), TlsAlloc()
//
// std::thread::id and thread_local do not work here: modules may have different standard libraries, and each
// module has its own thread_local variables.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "ibid/detail/port/system.h"

#if defined(IBID_ON_WINDOWS)
#include <thread>

#include "ibid/detail/port/windows.h"
#else
#include <pthread.h>
#include <unistd.h>
#endif

namespace ibid {
inline namespace layout_1 {
namespace detail {

#if defined(IBID_ON_WINDOWS)

[[nodiscard]] inline std::uintptr_t this_thread() noexcept {
    return ::GetCurrentThreadId();
}

// A key is made with the object that has it. Its words begin as null on each thread, and have no destructor.
class thread_key {
public:
    thread_key() noexcept : key_(::TlsAlloc()) {}
    thread_key(const thread_key&) = delete;
    thread_key& operator=(const thread_key&) = delete;
    ~thread_key() {
        if (valid()) {
            ::TlsFree(key_);
        }
    }
    // False: there are no more keys.
    [[nodiscard]] bool valid() const noexcept { return key_ != ~0UL; }
    [[nodiscard]] void* get() const noexcept {
        const unsigned long error = ::GetLastError(); // success resets it
        void* const word = ::TlsGetValue(key_);
        ::SetLastError(error);
        return word;
    }
    bool set(const void* word) const noexcept { return ::TlsSetValue(key_, const_cast<void*>(word)) != 0; }

private:
    unsigned long key_;
};

#else

// It names the thread in the child of a fork, too. (pthread_t is a pointer or a number of that size.)
[[nodiscard]] inline std::uintptr_t this_thread() noexcept {
    return std::bit_cast<std::uintptr_t>(pthread_self());
}

// A key is made with the object that has it. Its words begin as null on each thread, and have no destructor.
class thread_key {
public:
    thread_key() noexcept : valid_(pthread_key_create(&key_, nullptr) == 0) {}
    thread_key(const thread_key&) = delete;
    thread_key& operator=(const thread_key&) = delete;
    ~thread_key() {
        if (valid_) {
            pthread_key_delete(key_);
        }
    }
    // False: there are no more keys.
    [[nodiscard]] bool valid() const noexcept { return valid_; }
    [[nodiscard]] void* get() const noexcept { return pthread_getspecific(key_); }
    bool set(const void* word) const noexcept { return pthread_setspecific(key_, word) == 0; }

private:
    pthread_key_t key_{};
    bool valid_;
};

#endif

// How many processors there are; 0: unknown.
[[nodiscard]] inline std::size_t processors() noexcept {
#if defined(IBID_ON_WINDOWS)
    return std::thread::hardware_concurrency();
#else
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? static_cast<std::size_t>(online) : 0;
#endif
}

// Whether a module stays loaded while a thread has a thread_local object of it with a destructor. glibc keeps
// such a module; musl and macOS never unload it. On other systems a module must ask to stay loaded.
#if defined(__linux__) || defined(IBID_ON_MACOS)
inline constexpr bool thread_locals_keep_their_module = true;
#else
inline constexpr bool thread_locals_keep_their_module = false;
#endif

} // namespace detail
} // namespace layout_1
} // namespace ibid
