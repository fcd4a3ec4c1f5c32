// SPDX-License-Identifier: Apache-2.0
//
// The exit statuses of ibid itself. `ibid run` gives the program's own as soon as there is a program.
#pragma once

namespace ibid::cli {

inline constexpr int exit_ok = 0;
inline constexpr int exit_no = 1;           // the answer is no: not helped, not under ibid, not to be read
inline constexpr int exit_usage = 2;        // the command line, a variable or a file name is wrong
inline constexpr int exit_cannot_run = 126; // as a shell's: found, but cannot be run
inline constexpr int exit_not_found = 127;  // as a shell's: no such program

} // namespace ibid::cli
