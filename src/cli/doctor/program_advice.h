// SPDX-License-Identifier: Apache-2.0
//
// Whether a program would use OpenSSL under ibid, as its files tell, and what to do next.
#pragma once

#include "cli/doctor/findings.h"
#include "cli/programs/loaded_files.h"
#include "cli/programs/program.h"

#include <string>
#include <vector>

namespace ibid::cli::doctor {

// A word of a command that a user may copy.
[[nodiscard]] std::string in_command(const std::string& word);

// `libraries`: the files that its loader would load. `name`: as given by the user.
void advise_about_program(findings& f, const program& p, const std::vector<loaded_file>& libraries,
                          const std::string& name);

} // namespace ibid::cli::doctor
