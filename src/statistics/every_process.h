// SPDX-License-Identifier: Apache-2.0
//
// Lists the processes in /proc that this process can see.
//
// Law: at any moment a process may end and its PID may be reused. Code that reads a process later checks
// that.
//
//     for (const pid_t pid : every_process()) ...
#pragma once

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <sys/types.h>

namespace ibid::shared_statistics {

// By number. Empty without /proc.
[[nodiscard]] inline std::vector<pid_t> every_process() {
    std::vector<pid_t> all;
    std::error_code error;
    for (std::filesystem::directory_iterator at("/proc", error), end; !error && at != end;
         at.increment(error)) {
        const std::string name = at->path().filename().string();
        const char* const last = name.data() + name.size();
        pid_t pid = 0;
        if (const auto [rest, wrong] = std::from_chars(name.data(), last, pid);
            wrong == std::errc{} && rest == last && pid > 0)
            all.push_back(pid);
    }
    std::sort(all.begin(), all.end());
    return all;
}

} // namespace ibid::shared_statistics
