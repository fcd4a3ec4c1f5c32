// SPDX-License-Identifier: Apache-2.0
//
// The processes that run in a service, found by control groups without asking systemd.
#pragma once

#include "statistics/observe.h"

#include <cstddef>
#include <string>
#include <vector>

#include <sys/types.h>

namespace ibid::cli::systemd {

struct process {
    pid_t pid = 0;
    std::string name;
    shared_statistics::process_result seen;

    [[nodiscard]] bool is_under_ibid() const;
    [[nodiscard]] bool is_unknown() const; // no permission to examine it
};

// The service that a process belongs to; empty: none. For groups inside a service, the service.
[[nodiscard]] std::string unit_of(pid_t pid);

[[nodiscard]] std::vector<process> processes_of(const std::string& unit);

} // namespace ibid::cli::systemd
