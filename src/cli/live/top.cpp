// SPDX-License-Identifier: Apache-2.0
//
// `ibid top`.
#include "cli/live/top.h"

#include "cli/base/exit_status.h"
#include "cli/base/numbers.h"
#include "cli/base/output.h"
#include "cli/base/say.h"
#include "cli/base/terminal.h"
#include "cli/base/words.h"
#include "cli/counters/cache_report.h"
#include "cli/counters/report.h"
#include "cli/live/screen.h"
#include "cli/live/top_view.h"
#include "cli/programs/process.h"
#include "statistics/host_reader.h"

#include <algorithm>
#include <ctime>
#include <memory>
#include <vector>

#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ibid::cli {
namespace {

using shared_statistics::read_error;

struct seen_processes {
    top_picture picture;
    std::size_t locked = 0; // under ibid, but no permission to read their memory
    std::size_t silent = 0; // reading their memory did not finish
    std::size_t cut = 0;    // have more caches than are shown
    std::string obstacle;   // why no process at all can be read
};

// A cache of a C++ program: its own row, named after both.
top_row row_of_cache(pid_t pid, const shared_statistics::cache_figures& c) {
    top_row row{pid, fmt::format("{} ({})", c.name, name_of_process(pid)), {}, c.name};
    row.figures.of[0] = c.of;
    return row;
}

seen_processes scan(shared_statistics::host_reader& host) {
    seen_processes s;
    bool others_not_shown = false; // no permission to examine other users' processes
    for (const auto& [pid, seen] : host.scan()) {
        if (seen.error == read_error::none)
            s.picture.rows.push_back({pid, name_of_process(pid), seen.figures});
        else if (seen.error == read_error::memory_not_permitted)
            ++s.locked;
        else if (seen.error == read_error::no_answer)
            ++s.silent;
        else if (seen.error == read_error::not_permitted)
            others_not_shown = true;
        s.cut += seen.figures.caches_cut ? 1 : 0;
        for (const shared_statistics::cache_figures& c : seen.figures.caches)
            s.picture.rows.push_back(row_of_cache(pid, c));
    }
    std::vector<std::string>& remarks = s.picture.remarks;
    s.obstacle = without_proc();
    if (host.not_started() != 0)
        s.obstacle = "the processes could not be read: " + why_no_child(host.not_started());
    if (!s.obstacle.empty())
        remarks.push_back(s.obstacle + ".");
    else if (s.picture.rows.empty() && s.locked == 0)
        remarks.emplace_back("No process under ibid uses OpenSSL now. Start one with 'ibid run PROGRAM'.");
    if (s.locked != 0)
        remarks.push_back(fmt::format("{} under ibid may not be read (kernel.yama.ptrace_scope){}.",
                                      s.locked == 1 ? "1 process" : grouped(s.locked) + " processes",
                                      with_more_rights()));
    else if (others_not_shown && ::geteuid() != 0)
        remarks.emplace_back("Other users' processes are not shown: 'sudo ibid top' shows them.");
    if (std::any_of(s.picture.rows.begin(), s.picture.rows.end(),
                    [](const top_row& r) { return !r.figures.helped && r.cache.empty(); }))
        remarks.emplace_back("-: not helped; 'ibid stat PID' says why.");
    if (s.silent != 0 && s.obstacle.empty())
        remarks.push_back(fmt::format("{} could not be read in time: reading {} memory did not finish.",
                                      s.silent == 1 ? "1 process" : grouped(s.silent) + " processes",
                                      s.silent == 1 ? "its" : "their"));
    if (s.cut != 0)
        remarks.push_back(
            fmt::format("{} more than {} caches: the older ones are not shown.",
                        s.cut == 1 ? std::string("1 process has") : grouped(s.cut) + " processes have",
                        shared_statistics::most_caches));
    return s;
}

std::string table(const top_view& v, const top_picture& picture) {
    std::string text = fmt::format("{}\n", paint(colour::strong, v.header()));
    const std::vector<top_row> rows = v.shown(picture.rows);
    for (const top_row& r : rows)
        text += top_view::text_of(r) + "\n";
    if (rows.empty() && !picture.rows.empty())
        text += fmt::format("{}\n", paint(colour::faint, fmt::format("The filter hides {}.",
                                                                     counted(picture.rows.size(), "row"))));
    for (const std::string& remark : picture.remarks)
        text += fmt::format("{}\n", paint(colour::faint, remark));
    return text;
}

std::string json_line(const top_view& v, const seen_processes& s) {
    nlohmann::ordered_json processes = nlohmann::ordered_json::array();
    for (const top_row& r : v.shown(s.picture.rows)) {
        if (!r.cache.empty())
            continue;
        nlohmann::ordered_json p = {{"pid", r.pid}, {"name", r.name}, {"helped", r.figures.helped}};
        add_counters(p, r.figures.of);
        processes.push_back(std::move(p));
    }
    nlohmann::ordered_json out = {
        {"ibid", IBID_VERSION}, {"time", std::time(nullptr)}, {"locked", s.locked}, {"unreadable", s.silent}};
    out["processes"] = std::move(processes);
    out["caches_cut"] = s.cut != 0;
    out["caches"] = nlohmann::ordered_json::array();
    for (const top_row& r : v.shown(s.picture.rows)) {
        if (r.cache.empty())
            continue;
        out["caches"].push_back(cache_json({r.cache, r.figures.of[0]}));
        out["caches"].back()["pid"] = r.pid;
    }
    return json_text(out, true);
}

// Runs until a key or a signal ends it.
void show_on(screen& on, top_view& v, double interval) {
    happening last;
    top_picture picture;
    shared_statistics::host_reader host;
    do {
        if (last.what == happening::time_is_over)
            picture = scan(host).picture;
        on.draw(v.lines(picture, on.rows()));
        last = on.wait(interval);
    } while (v.press(last, static_cast<std::size_t>(on.rows()) - top_view::lines_around));
}

} // namespace

int top(const top_request& request) {
    top_view v;
    if (!request.sort.empty() && !v.sort_by(request.sort)) {
        complain(fmt::format("'{}' is not a column; the columns are {}", request.sort, top_view::columns()));
        return exit_usage;
    }
    v.filter_by(request.filter);
    const std::unique_ptr<screen> on = request.once || request.json ? nullptr : screen::open();
    if (on) {
        show_on(*on, v, request.interval);
        return exit_ok;
    }
    shared_statistics::host_reader host;
    const auto show = [&] {
        const seen_processes s = scan(host);
        put(request.json ? json_line(v, s) : table(v, s.picture));
        put(request.json || !request.once ? "\n" : ""); // an empty line between two tables
        flush_output();
        if (request.json && !s.obstacle.empty())
            complain(s.obstacle);
        return s.obstacle.empty() ? exit_ok : exit_no;
    };
    if (request.once)
        return show();
    const plain_views views;
    do
        static_cast<void>(show());
    while (plain_views::wait(request.interval));
    return exit_ok;
}

} // namespace ibid::cli
