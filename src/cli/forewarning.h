// SPDX-License-Identifier: Apache-2.0
//
// What `ibid run` cannot help, as far as it can be known before the program runs. `ibid run` says it to a
// person (where standard error is a terminal: elsewhere a program's output stays as it is without ibid);
// `ibid doctor` says it always.
#pragma once

#include "cli/program.h"

#include <optional>
#include <string>
#include <vector>

namespace ibid::cli {

// `name`: as it stands in the command line. `preload`: the path of libibid_preload.so.
[[nodiscard]] std::vector<std::string>
forewarnings(const std::string& name, const std::optional<program>& target, const std::string& preload);

// The part of a path that other users may not pass or read; empty when there is none.
[[nodiscard]] std::string closed_to_others(const std::string& path);

} // namespace ibid::cli
