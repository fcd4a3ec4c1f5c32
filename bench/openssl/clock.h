// SPDX-License-Identifier: Apache-2.0
//
// The clocks of the benchmarks.
//
// Law: they measure CPU time, not elapsed time, so that other load makes figures noisier but not wrong.
#pragma once

#include <time.h>

#include <chrono>
#include <cstdint>
#include <type_traits>

namespace bench {

using nanoseconds = std::int64_t;

// This thread's CPU time, user and system.
inline nanoseconds thread_cpu() noexcept {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<nanoseconds>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

inline nanoseconds wall() noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

// Does `work` and adds its CPU time to `spent`.
template <class Work>
auto timed(nanoseconds& spent, Work work) {
    const nanoseconds begin = thread_cpu();
    if constexpr (std::is_void_v<decltype(work())>) {
        work();
        spent += thread_cpu() - begin;
    } else {
        auto result = work();
        spent += thread_cpu() - begin;
        return result;
    }
}

inline double microseconds(nanoseconds t) noexcept {
    return static_cast<double>(t) / 1e3;
}

} // namespace bench
