// SPDX-License-Identifier: Apache-2.0
//
// `ibid stat PID`.
#include "cli/live/stat.h"

#include "cli/base/exit_status.h"
#include "cli/base/output.h"
#include "cli/base/words.h"
#include "cli/counters/cache_report.h"
#include "cli/counters/report.h"
#include "cli/live/screen.h"
#include "statistics/printable.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ibid::cli {

using shared_statistics::read_error;

std::string name_of_process(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
    std::string name;
    std::getline(file, name);
    return shared_statistics::printable(name); // a process chooses its own name
}

std::string explain(read_error error, pid_t pid) {
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
        fmt::print(stderr, "ibid: process {} ({}) runs under ibid, which is disabled: {}\n", pid,
                   name_of_process(pid), seen.figures.reason);
    else if (seen.error != read_error::none)
        fmt::print(stderr, "ibid: {}\n", explain(seen.error, pid));
    return seen.error == read_error::none;
}

namespace {

nlohmann::ordered_json as_json(pid_t pid, const shared_statistics::process_figures& f) {
    nlohmann::ordered_json out = {{"ibid", IBID_VERSION},
                                  {"pid", pid},
                                  {"name", name_of_process(pid)},
                                  {"helped", f.helped},
                                  {"reason", nullptr}};
    if (!f.helped && !f.reason.empty())
        out["reason"] = f.reason;
    add_counters(out, f.of);
    out["libcryptos"] = libcryptos_json(f.libcryptos);
    out["caches"] = nlohmann::ordered_json::array();
    for (const shared_statistics::cache_figures& c : f.caches)
        out["caches"].push_back(cache_json(c));
    return out;
}

std::string as_text(pid_t pid, const shared_statistics::process_figures& f) {
    std::string text = fmt::format("{} ({})\n", pid, name_of_process(pid));
    if (!f.helped && !f.libcryptos.empty())
        text +=
            fmt::format("not helped: {}\n", f.reason.empty() ? "it has not used OpenSSL 3 yet" : f.reason);
    if (!f.libcryptos.empty())
        text += counter_lines(f.of, "");
    return text + libcrypto_lines(f.libcryptos, "") + cache_lines(f.caches);
}

// A C++ program that publishes caches can be shown with or without a preload.
shared_statistics::process_result look_at(pid_t pid) {
    shared_statistics::process_result seen = shared_statistics::read_process(pid);
    if ((seen.error == read_error::not_under_ibid || seen.error == read_error::not_used) &&
        !seen.figures.caches.empty())
        seen.error = read_error::none;
    return seen;
}

std::vector<screen_line> as_lines(const std::string& text, int rows) {
    std::vector<screen_line> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        lines.push_back({text.substr(at, end - at)});
        at = end + 1;
    }
    lines.resize(static_cast<std::size_t>(std::max(rows, 1) - 1));
    lines.push_back({"q quit", style::reversed});
    return lines;
}

} // namespace

int stat(const stat_request& request) {
    const pid_t pid = request.pid;
    shared_statistics::process_result seen = look_at(pid);
    if (!can_be_shown(seen, pid))
        return exit_no;
    const auto print = [&] {
        if (request.json)
            fmt::print("{}\n", json_text(as_json(pid, seen.figures), request.watch));
        else
            fmt::print("{}{}", as_text(pid, seen.figures), request.watch ? "\n" : "");
        flush_output();
    };
    if (!request.watch) {
        print();
        return exit_ok;
    }
    if (const std::unique_ptr<screen> on = request.json ? nullptr : screen::open()) {
        for (; seen.error == read_error::none; seen = look_at(pid)) {
            on->draw(as_lines(as_text(pid, seen.figures), on->rows()));
            if (const happening h = on->wait(request.interval);
                h.what == happening::must_end || h.pressed == 'q')
                return exit_ok;
        }
        return exit_ok;
    }
    const plain_views views;
    for (; seen.error == read_error::none; seen = look_at(pid)) {
        print();
        if (!plain_views::wait(request.interval))
            break;
    }
    return exit_ok;
}

} // namespace ibid::cli
