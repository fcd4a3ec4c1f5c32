// SPDX-License-Identifier: Apache-2.0
//
// The findings of `ibid doctor`, for other commands.
#pragma once

#include "cli/doctor/environment.h"

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace ibid::cli::doctor {

// About a program.
struct opinion {
    std::vector<std::string> notes;
    std::vector<std::string> problems; // why ibid does not help
    bool uses_openssl = false;         // for TLS, as far as can be seen from outside
};

// Nothing when there is no such program. As look_at_program().
[[nodiscard]] std::optional<opinion> opinion_of(const std::string& program);
[[nodiscard]] std::optional<opinion> opinion_of(const std::string& program, const surroundings& of_unit);

// Why ibid would not help a process, besides that it is not in it. Reads as `ibid doctor PID` does.
[[nodiscard]] std::vector<std::string> obstacles_of(pid_t pid);

} // namespace ibid::cli::doctor
