// SPDX-License-Identifier: Apache-2.0
//
// One run of a program, alone or with a load: the total cost of its processes.
//
// Law: no process that it started outlives it, also if a signal ends this command meanwhile.
#pragma once

#include "cli/measure/latency.h"

#include <cstddef>
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
    double memory = 0;                 // private dirty bytes of all its processes, the most that was seen
    double memory_before = 0;          // the same, before the load
    std::size_t connections = 0;       // to the port of `until`, the most that was seen at once
    double cpu = 0;                    // seconds, user and system, of all its processes
    double seconds = 0;                // until its end, or of the load
    int status = 0;                    // of the load, or of the program, as a shell has it
    std::vector<percentile> latencies; // in the output of the load
    std::string last_line;             // of the output of the load
    std::string failed;                // why there is no result, for a person; empty: success
    int interrupted = 0;               // the signal that is to end this command; 0: none
};

[[nodiscard]] trial run_trial(const trial_request& r);

} // namespace ibid::cli::measure
