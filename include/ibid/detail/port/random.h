// SPDX-License-Identifier: Apache-2.0
//
// Random bytes that nobody outside of the process can guess: for the secret of the hash.
//
//     Linux      getrandom(2), which does not wait for a pool that is not seeded yet (very early boot)
//     POSIX      getentropy()
//     Windows    RtlGenRandom()
//
// Opens no file. On Linux, never blocks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ibid/detail/port/system.h"

#if defined(IBID_ON_WINDOWS)
#include <chrono>

#include "ibid/detail/port/windows.h"
#else
#include <time.h>
#include <unistd.h> // getentropy() and getpid()
#if defined(__linux__) || defined(IBID_ON_MACOS)
#include <sys/random.h>
#endif
#endif

namespace ibid {
inline namespace layout_1 {
namespace detail {

// At most 256 bytes. False: no random bytes are available.
[[nodiscard]] inline bool random_bytes(void* to, std::size_t size) noexcept {
#if defined(IBID_HAS_LINUX_CALLS)
    return getrandom(to, size, GRND_NONBLOCK) == static_cast<ssize_t>(size);
#elif defined(IBID_ON_WINDOWS)
    return ::SystemFunction036(to, static_cast<unsigned long>(size)) != 0;
#else
    return getentropy(to, size) == 0;
#endif
}

// A fallback without random bytes: the clock, an address and the process ID.
[[nodiscard]] inline std::uint64_t weak_seed(const void* address) noexcept {
#if defined(IBID_ON_WINDOWS)
    const auto now = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    const std::uint64_t process = ::GetCurrentProcessId();
#else
    struct timespec clock {};
    clock_gettime(CLOCK_MONOTONIC, &clock);
    const auto now =
        static_cast<std::uint64_t>(clock.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(clock.tv_nsec);
    const auto process = static_cast<std::uint64_t>(getpid());
#endif
    return now ^ reinterpret_cast<std::uintptr_t>(address) ^ (process << 32);
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
