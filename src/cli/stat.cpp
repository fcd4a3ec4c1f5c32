// SPDX-License-Identifier: Apache-2.0
//
// `ibid stat PID`.
#include "cli/stat.h"

#include "cli/exit_status.h"
#include "cli/report.h"

#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ibid::cli {

using shared_statistics::read_error;

std::string name_of_process(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
    std::string name;
    std::getline(file, name);
    for (char& c : name) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            c = '?'; // a process chooses its own name; it does not get to write to a terminal
    }
    return name;
}

std::string explain(read_error error, pid_t pid) {
    switch (error) {
    case read_error::none:
        return {};
    case read_error::no_such_process:
        return fmt::format("there is no process {}", pid);
    case read_error::not_permitted:
        return fmt::format(
            "process {} may not be looked at: it is another user's, or protected; try 'sudo ibid stat {}'",
            pid, pid);
    case read_error::memory_not_permitted: {
        std::string scope;
        std::ifstream("/proc/sys/kernel/yama/ptrace_scope") >> scope;
        return fmt::format(
            "process {} runs under ibid, but its memory may not be read{}; try 'sudo ibid stat {}'", pid,
            scope.empty() || scope == "0" ? "" : fmt::format(" (kernel.yama.ptrace_scope={})", scope), pid);
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
    }
    return "unknown error";
}

int stat(pid_t pid, bool json) {
    const shared_statistics::process_result seen = shared_statistics::read_process(pid);
    if (seen.error == read_error::not_used && seen.figures.stands_aside) {
        fmt::print(stderr, "ibid: process {} ({}) runs under ibid, which stands aside: {}\n", pid,
                   name_of_process(pid), seen.figures.reason);
        return exit_no;
    }
    if (seen.error != read_error::none) {
        fmt::print(stderr, "ibid: {}\n", explain(seen.error, pid));
        return exit_no;
    }
    const shared_statistics::process_figures& f = seen.figures;
    if (json) {
        nlohmann::ordered_json out = {{"ibid", IBID_VERSION},
                                      {"pid", pid},
                                      {"name", name_of_process(pid)},
                                      {"helped", f.helped},
                                      {"reason", nullptr}};
        if (!f.helped && !f.reason.empty())
            out["reason"] = f.reason;
        add_counters(out, f.of);
        out["libcryptos"] = libcryptos_json(f.libcryptos);
        fmt::print("{}\n", out.dump(2));
        return exit_ok;
    }
    fmt::print("{} ({})\n", pid, name_of_process(pid));
    if (!f.helped)
        fmt::print("not helped: {}\n", f.reason.empty() ? "it has not used OpenSSL 3 yet" : f.reason);
    fmt::print("{}{}", counter_lines(f.of, ""), libcrypto_lines(f.libcryptos, ""));
    return exit_ok;
}

} // namespace ibid::cli
