// SPDX-License-Identifier: Apache-2.0
//
// See process.h.
#include "cli/programs/process.h"

#include "cli/base/say.h"
#include "statistics/printable.h"
#include "statistics/process_stat.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <optional>

#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli {

using shared_statistics::read_error;

std::string name_of_process(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
    std::string name;
    std::getline(file, name);
    return shared_statistics::printable(name); // a process chooses its own name
}

std::string without_proc() {
    return ::access("/proc/self", F_OK) == 0 ? "" : "/proc is not mounted here, so no process can be read";
}

std::string with_more_rights() {
    if (!without_proc().empty())
        return ": /proc is not mounted here";
    return ::geteuid() == 0 ? "; root needs CAP_SYS_PTRACE for it, which containers often lack"
                            : "; try it with sudo";
}

std::string why_no_child(int error) {
    return fmt::format("{} ({})",
                       error == EMFILE || error == ENFILE ? "no further file can be opened"
                                                          : "no further process can be created",
                       std::strerror(error));
}

std::string without_memory(pid_t pid) {
    constexpr std::uint64_t kernel_thread = 0x00200000; // PF_KTHREAD
    const std::optional<shared_statistics::process_stat> s = shared_statistics::read_process_stat(pid);
    if (!s)
        return {};
    if (s->state == 'Z' || s->state == 'X')
        return "has ended; its parent has not asked for its status yet";
    return (s->flags & kernel_thread) != 0 ? "is a part of the kernel" : "";
}

std::string explain(read_error error, pid_t pid, int not_started) {
    const std::string what = without_memory(pid);
    if (!what.empty() && (error == read_error::not_permitted || error == read_error::not_under_ibid))
        return fmt::format("process {} {}", pid, what);
    if (not_started != 0)
        return fmt::format("process {} could not be read: {}", pid, why_no_child(not_started));
    switch (error) {
    case read_error::none:
        return {};
    case read_error::no_such_process:
        return without_proc().empty() ? fmt::format("there is no process {}", pid) : without_proc();
    case read_error::not_permitted:
        return fmt::format("process {} may not be read: it is another user's, or protected{}", pid,
                           with_more_rights());
    case read_error::memory_not_permitted: {
        std::string scope;
        std::ifstream("/proc/sys/kernel/yama/ptrace_scope") >> scope;
        return fmt::format(
            "process {} runs under ibid, but its memory may not be read{}{}", pid,
            scope.empty() || scope == "0" ? "" : fmt::format(" (kernel.yama.ptrace_scope={})", scope),
            with_more_rights());
    }
    case read_error::not_under_ibid:
        return fmt::format("process {} ({}) does not run under ibid; 'ibid doctor {}' says why", pid,
                           name_of_process(pid), pid);
    case read_error::not_used:
        return fmt::format(
            "process {} ({}) runs under ibid, and has not used OpenSSL so far; 'ibid doctor {}' says more",
            pid, name_of_process(pid), pid);
    case read_error::unknown_version:
        return fmt::format(
            "process {} runs under another version of ibid, whose counters this one does not know", pid);
    case read_error::no_answer:
        return fmt::format("process {} ({}) could not be read: reading its memory did not finish (it may "
                           "provide it itself: userfaultfd, FUSE)",
                           pid, name_of_process(pid));
    }
    return "unknown error";
}

bool can_be_shown(const shared_statistics::process_result& seen, pid_t pid) {
    if (seen.error == read_error::not_used && seen.figures.is_disabled)
        complain(fmt::format("process {} ({}) runs under ibid, which is disabled: {}", pid,
                             name_of_process(pid), seen.figures.reason));
    else if (seen.error != read_error::none)
        complain(explain(seen.error, pid, seen.not_started));
    return seen.error == read_error::none;
}

} // namespace ibid::cli
