// SPDX-License-Identifier: Apache-2.0
//
// See processes.h.
#include "cli/systemd/processes.h"

#include "cli/programs/process.h"
#include "statistics/every_process.h"

#include <fstream>

namespace ibid::cli::systemd {

using shared_statistics::read_error;

bool process::is_under_ibid() const {
    return seen.error == read_error::none || seen.error == read_error::not_used ||
           seen.error == read_error::memory_not_permitted || seen.error == read_error::unknown_version;
}

bool process::is_unknown() const {
    return seen.error == read_error::not_permitted || seen.error == read_error::no_answer;
}

std::string unit_of(pid_t pid) {
    std::ifstream groups("/proc/" + std::to_string(pid) + "/cgroup");
    for (std::string line; std::getline(groups, line);) {
        // "0::/system.slice/nginx.service/worker", "1:name=systemd:/user.slice/.../session-2.scope"
        for (std::size_t at = line.find('/'); at != std::string::npos;) {
            const std::size_t end = line.find('/', at + 1);
            std::string part = line.substr(at + 1, end == std::string::npos ? end : end - at - 1);
            if (part.ends_with(".service") && !part.starts_with("user@"))
                return part;
            at = end;
        }
    }
    return {};
}

std::vector<process> processes_of(const std::string& unit) {
    std::vector<process> all;
    int silent = 0; // each takes a second
    for (const pid_t pid : shared_statistics::every_process()) {
        // "0::/system.slice/nginx.service", or a line for each controller; below it there may be further
        // groups.
        std::ifstream groups("/proc/" + std::to_string(pid) + "/cgroup");
        for (std::string line; std::getline(groups, line);) {
            if ((line + "/").find("/" + unit + "/") != std::string::npos) {
                all.push_back({pid, name_of_process(pid), {read_error::no_answer, {}}});
                if (silent < 3)
                    all.back().seen = shared_statistics::read_process(pid);
                silent += all.back().seen.error == read_error::no_answer ? 1 : 0;
                break;
            }
        }
    }
    std::erase_if(all, [](const process& p) { return p.seen.error == read_error::no_such_process; });
    return all;
}

} // namespace ibid::cli::systemd
