// SPDX-License-Identifier: Apache-2.0
//
// `ibid top`.
#include "cli/top.h"

#include "cli/exit_status.h"
#include "cli/numbers.h"
#include "cli/report.h"
#include "cli/stat.h"
#include "cli/terminal.h"
#include "statistics/every_process.h"

#include <algorithm>
#include <ctime>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ibid::cli {
namespace {

using shared_statistics::kind;
using shared_statistics::process_figures;
using shared_statistics::read_error;

struct row {
    pid_t pid = 0;
    std::string name;
    process_figures figures;
};

struct view {
    std::vector<row> rows;         // the one that saved most first
    std::size_t locked = 0;        // under ibid, but their memory may not be read
    bool others_not_shown = false; // other users' processes cannot even be asked
};

view look() {
    view v;
    for (const pid_t pid : shared_statistics::every_process()) {
        const shared_statistics::process_result seen = shared_statistics::read_process(pid);
        if (seen.error == read_error::none)
            v.rows.push_back({pid, name_of_process(pid), seen.figures});
        else if (seen.error == read_error::memory_not_permitted)
            ++v.locked;
        else if (seen.error == read_error::not_permitted)
            v.others_not_shown = true;
    }
    std::sort(v.rows.begin(), v.rows.end(), [](const row& a, const row& b) {
        const auto saved = [](const row& r) { return r.figures[kind::certificates].bytes_not_parsed; };
        return saved(a) != saved(b) ? saved(a) > saved(b) : a.pid < b.pid;
    });
    return v;
}

std::string share(const statistics& s) {
    const std::uint64_t lookups = s.hits + s.misses;
    return lookups == 0
               ? "-"
               : fmt::format("{:.1f}", 100.0 * static_cast<double>(s.hits) / static_cast<double>(lookups));
}

std::string table(const view& v) {
    std::string text =
        paint(colour::strong, fmt::format("{:>8} {:<16} {:>9} {:>9} {:>13} {:>9} {:>6} {:>12}", "PID", "NAME",
                                          "ACTIVE", "RETAINED", "HITS", "MISSES", "HIT%", "NOT PARSED")) +
        "\n";
    for (const row& r : v.rows) {
        const statistics& s = r.figures[kind::certificates];
        text += fmt::format("{:>8} {:<16.16} {:>9} {:>9} {:>13} {:>9} {:>6} {:>12}\n", r.pid, r.name,
                            grouped(s.active), grouped(s.retained), grouped(s.hits), grouped(s.misses),
                            share(s), bytes_text(s.bytes_not_parsed));
    }
    if (v.rows.empty() && v.locked == 0)
        text += "No process under ibid uses OpenSSL now. Start one with 'ibid run PROGRAM'.\n";
    if (v.locked != 0)
        text += fmt::format(
            "{} under ibid may not be looked into (kernel.yama.ptrace_scope): 'sudo ibid top' can.\n",
            v.locked == 1 ? "1 process" : grouped(v.locked) + " processes");
    else if (v.others_not_shown)
        text +=
            paint(colour::faint, "Other users' processes are not shown: 'sudo ibid top' shows them.") + "\n";
    return text;
}

std::string json_line(const view& v) {
    nlohmann::ordered_json processes = nlohmann::ordered_json::array();
    for (const row& r : v.rows) {
        nlohmann::ordered_json p = {{"pid", r.pid}, {"name", r.name}, {"helped", r.figures.helped}};
        add_counters(p, r.figures.of);
        processes.push_back(std::move(p));
    }
    nlohmann::ordered_json out = {{"ibid", IBID_VERSION}, {"time", std::time(nullptr)}, {"locked", v.locked}};
    out["processes"] = std::move(processes);
    return out.dump();
}

} // namespace

int top(const top_request& request) {
    if (request.once) {
        const view v = look();
        fmt::print("{}", request.json ? json_line(v) + "\n" : table(v));
        return exit_ok;
    }
    if (request.json) {
        do {
            fmt::print("{}\n", json_line(look()));
            std::fflush(stdout);
            const timespec pause{
                static_cast<time_t>(request.interval),
                static_cast<long>(
                    (request.interval - static_cast<double>(static_cast<long>(request.interval))) * 1e9)};
            ::nanosleep(&pause, nullptr);
        } while (std::ferror(stdout) == 0);
        return exit_no;
    }
    const own_screen screen;
    do {
        screen.show(table(look()));
    } while (screen.wait(request.interval));
    return exit_ok;
}

} // namespace ibid::cli
