// SPDX-License-Identifier: Apache-2.0
//
// A running process: its name, and why it cannot be read.
#pragma once

#include "statistics/observe.h"

#include <string>

#include <sys/types.h>

namespace ibid::cli {

// The command's name as `ps` shows it; empty if the process has ended.
[[nodiscard]] std::string name_of_process(pid_t pid);

// Why no process can be read; empty where /proc is mounted.
[[nodiscard]] std::string without_proc();

// What to do when something may not be looked at: "; try it with sudo", or what root lacks.
[[nodiscard]] std::string with_more_rights();

// "no further process can be created (...)": why the child that reads could not be made, by errno.
[[nodiscard]] std::string why_no_child(int error);

// What a process is that has no memory of its own: "has ended; ...", "is a part of the kernel". Empty: it has
// some.
[[nodiscard]] std::string without_memory(pid_t pid);

// Why `pid` cannot be read, for a person, with what to do next. `not_started`: as in process_result.
[[nodiscard]] std::string explain(shared_statistics::read_error error, pid_t pid, int not_started = 0);

// If there is nothing to show, prints the reason on standard error.
[[nodiscard]] bool can_be_shown(const shared_statistics::process_result& seen, pid_t pid);

} // namespace ibid::cli
