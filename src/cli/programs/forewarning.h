// SPDX-License-Identifier: Apache-2.0
//
// Reasons why `ibid run` cannot help, as far as they are known before the program runs. `ibid run` prints
// them only if standard error is a terminal, because otherwise the program's output must not change; `ibid
// doctor` always prints them.
#pragma once

#include "cli/programs/program.h"

#include <optional>
#include <string>
#include <vector>

namespace ibid::cli {

// `name`: as given on the command line. `preload`: the path of libibid_preload.so.
[[nodiscard]] std::vector<std::string>
forewarnings(const std::string& name, const std::optional<program>& target, const std::string& preload);

} // namespace ibid::cli
