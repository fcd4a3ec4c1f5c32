// SPDX-License-Identifier: Apache-2.0
//
// `ibid stat PID`: the counters of one running process, read from outside.
#pragma once

#include "statistics/observe.h"

#include <string>

#include <sys/types.h>

namespace ibid::cli {

struct stat_request {
    pid_t pid = 0;
    bool watch = false;  // repeatedly, until the process ends
    double interval = 2; // seconds
    bool json = false;   // with `watch`, one object per line
};

[[nodiscard]] int stat(const stat_request& request);

// If there is nothing to show, prints the reason on standard error.
[[nodiscard]] bool can_be_shown(const shared_statistics::process_result& seen, pid_t pid);

// Why `pid` cannot be read, for a person, with what to do next. Shared with `ibid doctor PID`.
[[nodiscard]] std::string explain(shared_statistics::read_error error, pid_t pid);

// The command's name as `ps` shows it; empty if the process has ended.
[[nodiscard]] std::string name_of_process(pid_t pid);

} // namespace ibid::cli
