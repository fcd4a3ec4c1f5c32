// SPDX-License-Identifier: Apache-2.0
//
// Reads the figures of all processes of this host repeatedly, and continues whatever a process does.
//
// Laws:
//  - A scan ends within `longest_look`. No process costs more than `patience`, or ten times that on a very
//    busy host. A process that did not answer is skipped for a while.
//  - Processes that answered before are read first; processes of a user whose process did not answer are read
//    last. So processes that never answer only delay each other, however many there are.
//
//     host_reader host;
//     for (const auto& [pid, seen] : host.look()) ...
#pragma once

#include "statistics/observe.h"

#include <chrono>
#include <map>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace ibid::shared_statistics {

class host_reader {
public:
    static constexpr std::chrono::milliseconds patience{500};      // with one process
    static constexpr std::chrono::milliseconds for_the_slow{2000}; // with all that are new and slow
    static constexpr std::chrono::milliseconds longest_look{5000};
    // The time until a process is tried again; doubles each time.
    static constexpr std::chrono::seconds shortest_rest{20};
    static constexpr std::chrono::seconds longest_rest{60};

    // By PID. no_answer: also for processes that were not tried.
    [[nodiscard]] std::vector<std::pair<pid_t, process_result>> look();

    // errno, if the last look could make no child that reads; else 0.
    [[nodiscard]] int not_started() const { return not_started_; }

private:
    using clock = std::chrono::steady_clock;
    struct record {
        bool answered = false;
        clock::time_point not_before{}; // the next try
        std::chrono::seconds rest = shortest_rest;
    };
    std::map<pid_t, record> known_;
    int not_started_ = 0;
};

} // namespace ibid::shared_statistics
