// SPDX-License-Identifier: Apache-2.0
//
// Reads the figures of all processes of this host repeatedly, and continues whatever a process does.
//
// Laws:
//  - A scan ends within `scan_timeout`. No process costs more than `process_timeout`, or ten times that on
//    a very busy host. A process that did not answer is skipped for a while.
//  - Processes that answered before are read first; processes of a user whose process did not answer are read
//    last. So processes that never answer only delay each other, however many there are.
//
//     host_reader host;
//     for (const auto& [pid, seen] : host.scan()) ...
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
    static constexpr std::chrono::milliseconds process_timeout{500};
    static constexpr std::chrono::milliseconds slow_processes_timeout{2000}; // all that are new and slow
    static constexpr std::chrono::milliseconds scan_timeout{5000};
    // The time until a process is tried again; doubles each time.
    static constexpr std::chrono::seconds shortest_backoff{20};
    static constexpr std::chrono::seconds longest_backoff{60};

    // By PID. no_answer: also for processes that were not tried.
    [[nodiscard]] std::vector<std::pair<pid_t, process_result>> scan();

    // errno, if the last scan could make no child that reads; else 0.
    [[nodiscard]] int not_started() const { return not_started_; }

private:
    using clock = std::chrono::steady_clock;
    struct record {
        bool answered = false;
        clock::time_point not_before{}; // the next try
        std::chrono::seconds backoff = shortest_backoff;
    };
    std::map<pid_t, record> known_;
    int not_started_ = 0;
};

} // namespace ibid::shared_statistics
