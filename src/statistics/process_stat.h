// SPDX-License-Identifier: Apache-2.0
//
// /proc/PID/stat: what the kernel says of a process, readable by everybody.
//
// Law: the second field is the process's name in parentheses. A process chooses it, with spaces, line feeds
// and parentheses, so the fields are counted from the last parenthesis.
//
//     parse_process_stat("77 (a) b) S 1 ...")->parent == 1
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <sys/types.h>

namespace ibid::shared_statistics {

struct process_stat {
    char state = 0; // 'R', 'Z', ...
    pid_t parent = 0;
    std::uint64_t flags = 0;      // PF_KTHREAD and others
    std::uint64_t start_time = 0; // ticks since the boot. With the PID it identifies a process
};

// Nothing: the text is not that of such a file.
[[nodiscard]] std::optional<process_stat> parse_process_stat(std::string_view text);
// Nothing: there is no such process, or /proc hides it.
[[nodiscard]] std::optional<process_stat> read_process_stat(pid_t pid);

} // namespace ibid::shared_statistics
