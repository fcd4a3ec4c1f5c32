// SPDX-License-Identifier: Apache-2.0
//
// What `ibid --help` and `ibid COMMAND --help` print, from the definition.
#pragma once

#include "cli/usage/definition.h"

#include <string>

namespace ibid::cli::usage {

[[nodiscard]] std::string help();
[[nodiscard]] std::string help_of(const command& c);

} // namespace ibid::cli::usage
