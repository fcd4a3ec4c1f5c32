// SPDX-License-Identifier: Apache-2.0
//
// The processes that run in a service, found by control groups without asking systemd.
#pragma once

#include "statistics/observe.h"

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace ibid::cli::systemd {

struct process {
    pid_t pid = 0;
    std::string name;
    shared_statistics::process_result seen;

    [[nodiscard]] bool is_under_ibid() const;
    [[nodiscard]] bool is_unknown() const;   // whether ibid is in it
    [[nodiscard]] bool has_figures() const;  // whether it is helped is known
    [[nodiscard]] bool is_forbidden() const; // no permission to read it, or its memory
};

// The system's service whose control group this is; empty: none. The arguments are /proc/PID/cgroup of the
// process and of systemd. For groups inside a service, the service. A user's own services, and those of a
// container, may have the names of the system's; they are not.
[[nodiscard]] std::string unit_in(std::string_view groups, std::string_view of_systemd);

// The system's service that a process belongs to; empty: none, or a user's systemd.
[[nodiscard]] std::string unit_of(pid_t pid);

[[nodiscard]] std::vector<process> processes_of(const std::string& unit);

} // namespace ibid::cli::systemd
