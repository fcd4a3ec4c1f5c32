// SPDX-License-Identifier: Apache-2.0
//
// See measure.h.
#include "cli/measure/measure.h"

#include "cli/base/exit_status.h"
#include "cli/base/say.h"
#include "cli/base/terminal.h"
#include "cli/base/words.h"
#include "cli/doctor/opinion.h"
#include "cli/measure/comparison.h"
#include "cli/programs/installation.h"
#include "cli/programs/process.h"
#include "cli/programs/program.h"
#include "cli/run/supervise.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ibid::cli::measure {
namespace {

nlohmann::ordered_json as_json(const sample& s) {
    return {{"median", s.median()}, {"least", s.least()}, {"most", s.most()}, {"values", s.values}};
}

int say_failed(const std::string& way, const std::string& why) {
    complain(fmt::format("{}: {}", way, why));
    return exit_no;
}

// Fewer connections at once say nothing about the memory of one.
constexpr std::size_t enough_connections = 10;

// The figures of the trials, as far as all trials have them.
class collected {
public:
    explicit collected(bool has_load) : has_load_(has_load) {}

    void add(const trial& t, bool is_stock) { (is_stock ? stock_ : under_ibid_).push_back(t); }

    [[nodiscard]] std::vector<comparison> figures() const {
        std::vector<comparison> all;
        if (has_memory())
            all.push_back(of("memory", "private dirty, all processes", "bytes",
                             [](const trial& t) { return t.memory; }));
        if (each([](const trial& t) { return t.connections >= enough_connections; }))
            all.push_back(
                of("memory per connection",
                   fmt::format("beyond what it had before the load; {} at once", most_connections()), "bytes",
                   [](const trial& t) {
                       return std::max(0.0, t.memory - t.memory_before) / static_cast<double>(t.connections);
                   }));
        all.push_back(
            of("CPU", "user and system, all processes", "seconds", [](const trial& t) { return t.cpu; }));
        all.push_back(of("time", has_load_ ? "of the load" : "to its end", "seconds",
                         [](const trial& t) { return t.seconds; }));
        for (const percentile& p : stock_.front().latencies) {
            const double percent = p.percent;
            if (!each([percent](const trial& t) { return latency_of(t, percent) >= 0; }))
                continue;
            all.push_back(of(fmt::format("latency, {:g} %", percent), "as the load prints it", "seconds",
                             [percent](const trial& t) { return latency_of(t, percent); }));
            all.back().fine = true;
            all.back().in_text = is_usual(percent);
        }
        return all;
    }

    [[nodiscard]] bool has_memory() const {
        return each([](const trial& t) { return t.memory > 0; });
    }
    [[nodiscard]] bool has_latencies() const {
        return each([](const trial& t) { return !t.latencies.empty(); });
    }

private:
    static double latency_of(const trial& t, double percent) {
        for (const percentile& p : t.latencies) {
            if (p.percent == percent)
                return p.seconds;
        }
        return -1;
    }
    // The percentiles that a person asks for; ab prints nine.
    static bool is_usual(double percent) {
        return percent == 50 || percent == 90 || percent == 95 || percent == 99 || percent == 99.9;
    }
    template <class Test>
    [[nodiscard]] bool each(Test test) const {
        return std::all_of(stock_.begin(), stock_.end(), test) &&
               std::all_of(under_ibid_.begin(), under_ibid_.end(), test);
    }
    [[nodiscard]] std::size_t most_connections() const {
        std::size_t most = 0;
        for (const auto* const kind : {&stock_, &under_ibid_}) {
            for (const trial& t : *kind)
                most = std::max(most, t.connections);
        }
        return most;
    }
    template <class Figure>
    [[nodiscard]] comparison of(std::string name, std::string what, std::string unit, Figure figure) const {
        comparison c{std::move(name), std::move(what), std::move(unit), {}, {}};
        for (const trial& t : stock_)
            c.stock.values.push_back(figure(t));
        for (const trial& t : under_ibid_)
            c.under_ibid.values.push_back(figure(t));
        return c;
    }

    bool has_load_;
    std::vector<trial> stock_;
    std::vector<trial> under_ibid_;
};

// What else there is to say about the figures.
std::vector<std::string> notes_about(const request& r, int status, const trial& last, const collected& all) {
    std::vector<std::string> notes;
    const bool has_load = !r.what.load.empty();
    if (status != 0)
        notes.push_back(
            fmt::format("{} ended with status {} each time{}", has_load ? "the load" : "the program", status,
                        !has_load                ? ""
                        : last.last_line.empty() ? "; look whether it reached the program"
                                                 : fmt::format(", and said: {}", last.last_line)));
    if (r.rounds < fewest_runs)
        notes.push_back(fmt::format("a comparison needs {} rounds or more", fewest_runs));
    if (!all.has_memory())
        notes.emplace_back("no memory: the runs are too short to see it");
    if (has_load && !all.has_latencies())
        notes.emplace_back("no latencies: its output has no percentiles (wrk and wrk2 print them with "
                           "--latency, bombardier with -l; ab, hey, oha, vegeta report and k6 always)");
    const std::optional<doctor::opinion> found = doctor::opinion_of(r.what.command[0]);
    for (std::size_t i = 0; found && i < found->problems.size(); ++i)
        notes.push_back(
            fmt::format("ibid does not help {}: {}", legible(r.what.command[0]), found->problems[i]));
    return notes;
}

} // namespace

int measure(const request& r) {
    // Uses this command, as a user would. `ibid run` executes the program in the same process.
    trial_request under = r.what;
    under.command.insert(under.command.begin(), {own_path(), "run", "--"});
    // Stock is without ibid, even if this command itself runs under ibid.
    ::unsetenv("LD_PRELOAD");
    if (!find_program(r.what.command[0])) {
        complain(why_no_program(r.what.command[0]));
        return exit_no;
    }
    if (const std::string why = without_proc(); !why.empty()) {
        complain(why);
        return exit_no;
    }

    collected all(!r.what.load.empty());
    trial last;
    int status = 0;
    // The first round of each is not counted, because it loads files into memory.
    for (unsigned round = 0; round <= r.rounds; ++round) {
        for (unsigned turn = 0; turn < 2; ++turn) {
            show_progress(fmt::format("{} of {} runs", 2 * round + turn, 2 * r.rounds + 2));
            const bool is_stock = (turn == 0) == (round % 2 == 0);
            const char* const way = is_stock ? "stock" : "under ibid";
            trial t = run_trial(is_stock ? r.what : under);
            if (t.interrupted != 0)
                end_as(t.interrupted); // as without a handler; a status of waitpid(2)
            if (!t.failed.empty())
                return say_failed(way, t.failed);
            if (round == 0 && turn == 0)
                status = t.status;
            const std::string said = t.last_line.empty() ? "" : fmt::format("; it said: {}", t.last_line);
            if (!r.what.load.empty() && (t.status == 127 || t.status == 126)) // the shell's
                return say_failed(way, fmt::format("the load cannot be run{}", said));
            if (t.status != status)
                return say_failed(
                    way,
                    fmt::format("{} ended with status {}, and with {} before: these cannot be compared{}",
                                r.what.load.empty() ? "it" : "the load", t.status, status, said));
            if (round > 0)
                all.add(t, is_stock);
            last = std::move(t);
        }
    }
    show_progress("");
    const std::vector<comparison> figures = all.figures();
    const std::vector<std::string> notes = notes_about(r, status, last, all);
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
        out["notes"] = notes;
        put(json_text(out) + "\n");
        return exit_ok;
    }
    say("{} {} of each kind, alternating; medians, minimum and maximum\n", r.rounds,
        r.rounds == 1 ? "run" : "runs");
    for (const comparison& c : figures) {
        if (!c.in_text)
            continue;
        const bool better = c.differ() && c.under_ibid.median() < c.stock.median();
        say("{} ({})\n  stock       {}\n  under ibid  {}\n  {}\n", paint(colour::strong, c.name), c.what,
            shown(c.stock, c.unit, c.fine), shown(c.under_ibid, c.unit, c.fine),
            paint(better       ? colour::good
                  : c.differ() ? colour::bad
                               : colour::faint,
                  c.verdict()));
    }
    for (const std::string& note : notes)
        say("note: {}\n", folded(note, 6));
    return exit_ok;
}

} // namespace ibid::cli::measure
