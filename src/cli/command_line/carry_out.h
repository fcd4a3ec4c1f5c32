// SPDX-License-Identifier: Apache-2.0
//
// From the words of the command line to a command: makes its request and executes it.
#pragma once

#include "cli/command_line/given_words.h"

#include <string>
#include <vector>

namespace ibid::cli {

// `program`: the program of the command and its arguments. Returns the exit status.
[[nodiscard]] int carry_out(const std::string& command, const given_words& given,
                            std::vector<std::string> program);

} // namespace ibid::cli
