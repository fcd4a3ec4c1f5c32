// SPDX-License-Identifier: Apache-2.0
//
// `ibid stat PID`.
#include "cli/live/stat.h"

#include "cli/base/exit_status.h"
#include "cli/base/output.h"
#include "cli/base/say.h"
#include "cli/base/words.h"
#include "cli/counters/cache_report.h"
#include "cli/counters/report.h"
#include "cli/live/screen.h"
#include "cli/programs/process.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ibid::cli {
namespace {

using shared_statistics::read_error;

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
    out["caches_cut"] = f.caches_cut;
    return out;
}

std::string as_text(pid_t pid, const shared_statistics::process_figures& f) {
    std::string text = fmt::format("{} ({})\n", pid, name_of_process(pid));
    if (!f.helped && !f.libcryptos.empty())
        text +=
            fmt::format("not helped: {}\n", f.reason.empty() ? "it has not used OpenSSL 3 yet" : f.reason);
    if (!f.libcryptos.empty())
        text += counter_lines(f.of, "");
    return text + libcrypto_lines(f.libcryptos, "") + cache_lines(f.caches, f.caches_cut);
}

// A C++ program that publishes caches can be shown with or without a preload.
shared_statistics::process_result read_shown(pid_t pid) {
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
    shared_statistics::process_result seen = read_shown(pid);
    if (!can_be_shown(seen, pid))
        return exit_no;
    const auto print = [&] {
        if (request.json)
            put(json_text(as_json(pid, seen.figures), request.watch) + "\n");
        else
            put(as_text(pid, seen.figures) + (request.watch ? "\n" : ""));
        flush_output();
    };
    if (!request.watch) {
        print();
        return exit_ok;
    }
    if (const std::unique_ptr<screen> on = request.json ? nullptr : screen::open()) {
        for (; seen.error == read_error::none; seen = read_shown(pid)) {
            on->draw(as_lines(as_text(pid, seen.figures), on->rows()));
            if (const happening h = on->wait(request.interval);
                h.what == happening::must_end || h.pressed == 'q')
                return exit_ok;
        }
        return exit_ok;
    }
    const plain_views views;
    for (; seen.error == read_error::none; seen = read_shown(pid)) {
        print();
        if (!plain_views::wait(request.interval))
            break;
    }
    return exit_ok;
}

} // namespace ibid::cli
