// SPDX-License-Identifier: Apache-2.0
//
// What `ibid doctor` can be asked about. Each function collects the findings of one kind of subject.
#pragma once

#include "cli/doctor/environment.h"
#include "cli/doctor/findings.h"
#include "statistics/observe.h"

#include <optional>
#include <string>

#include <sys/types.h>

namespace ibid::cli::doctor {

// This machine in general.
[[nodiscard]] findings look_at_machine();

// Nothing when there is no such program. First in this command's environment, with ibid's files; then in that
// of a unit, which has no others.
[[nodiscard]] std::optional<findings> look_at_program(const std::string& name);
[[nodiscard]] std::optional<findings> look_at_program(const std::string& name, const surroundings& of_unit);

[[nodiscard]] findings look_at_process(pid_t pid, const shared_statistics::process_result& counters);

// The program of a service, and the problems of its unit. Nothing, and why, when there is none.
[[nodiscard]] std::optional<findings> look_at_service(const std::string& name, std::string& error);

// Problems of a process that is not under ibid, which are no answer by themselves.
inline constexpr const char* not_in_it =
    "libibid_preload.so is not in it: it was not started under ibid, or could not be helped";
inline constexpr const char* no_libcrypto_so_far = "it has loaded no libcrypto (so far)";

} // namespace ibid::cli::doctor
