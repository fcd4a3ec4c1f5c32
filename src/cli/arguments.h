// SPDX-License-Identifier: Apache-2.0
//
// The command line. usage/definition.h says what it is.
#pragma once

namespace ibid::cli {

// Parses and carries out. Returns the exit status.
[[nodiscard]] int command_line(int count, const char* const* words);

} // namespace ibid::cli
