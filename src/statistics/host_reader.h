// SPDX-License-Identifier: Apache-2.0
//
// The figures of all processes of this host, again and again, for what must go on whatever a process does.
//
// Laws:
//  - A look ends within `longest_look`, and no process costs it more than `patience`, or ten times that on a
//    host so busy that nothing runs. One that did not answer is not asked again for a while.
//  - Processes that answered before are asked first; those of a user whose process did not answer, last. So
//    those that never answer, however many are started, take time from each other.
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
    // Until one is asked again; each time twice as long.
    static constexpr std::chrono::seconds shortest_rest{20};
    static constexpr std::chrono::seconds longest_rest{60};

    // By number. no_answer: also of those that were not asked.
    [[nodiscard]] std::vector<std::pair<pid_t, process_result>> look();

private:
    using clock = std::chrono::steady_clock;
    struct record {
        bool answered = false;
        clock::time_point not_before{}; // asked again
        std::chrono::seconds rest = shortest_rest;
    };
    std::map<pid_t, record> known_;
};

} // namespace ibid::shared_statistics
