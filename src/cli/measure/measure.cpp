// SPDX-License-Identifier: Apache-2.0
//
// See measure.h.
#include "cli/measure/measure.h"

#include "cli/environment.h"
#include "cli/exit_status.h"
#include "cli/measure/comparison.h"
#include "cli/program.h"
#include "cli/terminal.h"
#include "cli/words.h"

#include <array>
#include <cstdlib>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ibid::cli::measure {
namespace {

nlohmann::ordered_json as_json(const sample& s) {
    return {{"median", s.median()}, {"least", s.least()}, {"most", s.most()}, {"values", s.values}};
}

int say_failed(const std::string& way, const std::string& why) {
    fmt::print(stderr, "ibid: {}: {}\n", way, why);
    return exit_no;
}

void show_progress(unsigned done, unsigned all) {
    if (::isatty(STDERR_FILENO) == 1)
        fmt::print(stderr, "\r{} of {} runs{}", done, all, done == all ? "\r                    \r" : "");
}

} // namespace

int measure(const request& r) {
    // Uses this command, as a user would. `ibid run` executes the program in the same process.
    trial_request under = r.what;
    under.command.insert(under.command.begin(), {own_path(), "run", "--"});
    // Stock is without ibid, even if this command itself runs under ibid.
    ::unsetenv("LD_PRELOAD");
    if (!find_program(r.what.command[0])) {
        fmt::print(stderr, "ibid: {}\n", why_no_program(r.what.command[0]));
        return exit_no;
    }

    std::array<comparison, 3> figures{
        {{"memory", "private dirty, all processes", "bytes", {}, {}},
         {"CPU", "user and system, all processes", "seconds", {}, {}},
         {"time", r.what.load.empty() ? "to its end" : "of the load", "seconds", {}, {}}}};
    int status = 0;
    // The first round of each is not counted, because it loads files into memory.
    for (unsigned round = 0; round <= r.rounds; ++round) {
        for (unsigned turn = 0; turn < 2; ++turn) {
            show_progress(2 * round + turn, 2 * r.rounds + 2);
            const bool is_stock = (turn == 0) == (round % 2 == 0);
            const char* const way = is_stock ? "stock" : "under ibid";
            const trial t = run_trial(is_stock ? r.what : under);
            if (!t.failed.empty())
                return say_failed(way, t.failed);
            if (round == 0 && turn == 0)
                status = t.status;
            if (t.status == 127 || t.status == 126)
                return say_failed(way, fmt::format("{} cannot be run",
                                                   r.what.load.empty() ? r.what.command[0] : "the load"));
            if (t.status != status)
                return say_failed(
                    way, fmt::format("it ended with status {}, and with {} before: these cannot be compared",
                                     t.status, status));
            if (round == 0)
                continue;
            const std::array<double, 3> seen{t.memory, t.cpu, t.seconds};
            for (std::size_t i = 0; i < figures.size(); ++i)
                (is_stock ? figures[i].stock : figures[i].under_ibid).values.push_back(seen[i]);
        }
    }
    show_progress(2 * r.rounds + 2, 2 * r.rounds + 2);
    if (r.json) {
        nlohmann::ordered_json out = {{"ibid", IBID_VERSION},
                                      {"command", r.what.command},
                                      {"load", nullptr},
                                      {"rounds", r.rounds},
                                      {"status", status}};
        if (!r.what.load.empty())
            out["load"] = r.what.load;
        out["figures"] = nlohmann::ordered_json::array();
        for (const comparison& c : figures)
            out["figures"].push_back({{"name", c.name},
                                      {"what", c.what},
                                      {"unit", c.unit},
                                      {"stock", as_json(c.stock)},
                                      {"under_ibid", as_json(c.under_ibid)},
                                      {"differ", c.differ()}});
        fmt::print("{}\n", json_text(out));
        return exit_ok;
    }
    fmt::print("{} {} of each kind, alternating; medians, minimum and maximum\n", r.rounds,
               r.rounds == 1 ? "run" : "runs");
    for (const comparison& c : figures) {
        const bool better = c.differ() && c.under_ibid.median() < c.stock.median();
        fmt::print("{} ({})\n  stock       {}\n  under ibid  {}\n  {}\n", paint(colour::strong, c.name),
                   c.what, shown(c.stock, c.unit), shown(c.under_ibid, c.unit),
                   paint(better       ? colour::good
                         : c.differ() ? colour::bad
                                      : colour::faint,
                         c.verdict()));
    }
    if (status != 0)
        fmt::print("note: it ended with status {} each time\n", status);
    if (r.rounds < 3)
        fmt::print("note: with fewer than 3 rounds no difference is reported\n");
    return exit_ok;
}

} // namespace ibid::cli::measure
