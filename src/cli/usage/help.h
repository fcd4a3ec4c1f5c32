// SPDX-License-Identifier: Apache-2.0
//
// What `ibid --help` and `ibid COMMAND --help` print, from the definition.
#pragma once

#include "cli/usage/definition.h"

#include <cstddef>
#include <string>

namespace ibid::cli::usage {

// `width`: the longest line, in columns.
[[nodiscard]] std::string help(std::size_t width);
[[nodiscard]] std::string help_of(const command& c, std::size_t width);

} // namespace ibid::cli::usage
