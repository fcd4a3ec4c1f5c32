// SPDX-License-Identifier: Apache-2.0
//
// `ibid run`: runs a program with the preload and changes nothing else.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace ibid::cli {

struct run_request {
    std::vector<std::string> command;     // program and arguments
    bool statistics = false;              // supervise, and print a summary at the end
    std::optional<std::string> json_file; // instead of text on standard error
    std::vector<std::string> exclude;     // names of programs, also of children, in which ibid is disabled
    bool children = true;                 // false: programs that this one starts run without ibid
};

// Without statistics this process executes the program. Returns an exit status only if the program did not
// run (126, 127) or, with statistics, if the summary could not be written; otherwise ends as the program
// ended.
[[nodiscard]] int run(const run_request& request);

} // namespace ibid::cli
