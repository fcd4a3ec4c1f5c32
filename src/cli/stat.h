// SPDX-License-Identifier: Apache-2.0
//
// `ibid stat PID`: the counters of one running process, read from outside.
#pragma once

#include "statistics/observe.h"

#include <string>

#include <sys/types.h>

namespace ibid::cli {

[[nodiscard]] int stat(pid_t pid, bool json);

// Why `pid` cannot be read, for a person, with what to do next. Shared with `ibid doctor PID`.
[[nodiscard]] std::string explain(shared_statistics::read_error error, pid_t pid);

// The command's name as `ps` shows it; empty when the process is gone.
[[nodiscard]] std::string name_of_process(pid_t pid);

} // namespace ibid::cli
