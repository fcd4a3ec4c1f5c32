// SPDX-License-Identifier: Apache-2.0
//
// One run of a program, alone or with a load: the total cost of its processes.
//
// Law: no process that it started outlives it.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace ibid::cli::measure {

struct trial_request {
    std::vector<std::string> command;
    std::string load;              // for a shell; empty: the program is run to its end
    std::optional<unsigned> until; // a port of this machine that the program listens on when it is ready
};

struct trial {
    double memory = 0;  // private dirty bytes of all its processes, the most that was seen
    double cpu = 0;     // seconds, user and system, of all its processes
    double seconds = 0; // until its end, or of the load
    int status = 0;     // of the load, or of the program, as a shell has it
    std::string failed; // why there is no result, for a person; empty: success
};

[[nodiscard]] trial run_trial(const trial_request& r);

} // namespace ibid::cli::measure
