// SPDX-License-Identifier: Apache-2.0
//
// `ibid stat PID`: the counters of one running process, read from outside.
#pragma once

#include <sys/types.h>

namespace ibid::cli {

struct stat_request {
    pid_t pid = 0;
    bool watch = false;  // repeatedly, until the process ends
    double interval = 2; // seconds
    bool json = false;   // with `watch`, one object per line
};

[[nodiscard]] int stat(const stat_request& request);

} // namespace ibid::cli
