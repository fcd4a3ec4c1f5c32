// SPDX-License-Identifier: Apache-2.0
//
// Parses the command line, which usage/definition.h defines.
#pragma once

namespace ibid::cli {

// Parses and executes. Returns the exit status.
[[nodiscard]] int command_line(int count, const char* const* words);

} // namespace ibid::cli
