// SPDX-License-Identifier: Apache-2.0
//
// Elapsed time, and CPU time of a thread and of the process. Seconds.
#pragma once

#include <time.h>

namespace bench {

[[nodiscard]] inline double seconds(clockid_t clock) noexcept {
    struct timespec now {};
    clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}
[[nodiscard]] inline double wall() noexcept {
    return seconds(CLOCK_MONOTONIC);
}
[[nodiscard]] inline double thread_cpu() noexcept {
    return seconds(CLOCK_THREAD_CPUTIME_ID);
}
[[nodiscard]] inline double process_cpu() noexcept {
    return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

} // namespace bench
