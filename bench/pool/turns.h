// SPDX-License-Identifier: Apache-2.0
//
// Runs the rivals in turn and prints the results. Also used by bench/gc.
//
// Law: in each round every rival runs every cell once, and each round begins with a different rival, so other
// load on the machine affects all rivals equally. The figure is the median of the rounds.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace bench_turns {

[[nodiscard]] inline double seconds(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct plan {
    int rounds = 15;
    double window = 0.03; // seconds of each run
    bool busy = false;    // measure the threads' CPU time

    // Nanoseconds of one operation of `work`: work(n) does n operations, after prepare(n), which is not
    // measured. `running`: the CPU clock of this thread or of the process.
    [[nodiscard]] double time(
        clockid_t running, const std::function<void(long)>& work,
        const std::function<void(long)>& prepare = [](long) {}) const {
        const clockid_t clock = busy ? running : CLOCK_MONOTONIC;
        long n = 64;
        for (;;) {
            prepare(n);
            const double began = seconds(clock);
            work(n);
            const double took = seconds(clock) - began;
            if (took >= window) {
                return took * 1e9 / static_cast<double>(n);
            }
            n = took < window / 16 ? n * 8
                                   : static_cast<long>(static_cast<double>(n) * window * 1.2 / took) + 1;
        }
    }
};

struct rival {
    std::string name;
    std::function<double(const plan&)> run; // nanoseconds per operation
    double goal = 0;                        // goal: at least this many times our time; 0: none
    double limit = 0;                       // goal: our time is at most this many times its time; 0: none
    std::vector<double> found = {};

    [[nodiscard]] double median() const {
        std::vector<double> sorted = found;
        std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2),
                         sorted.end());
        return sorted[sorted.size() / 2];
    }
};

struct cell {
    std::string title;
    std::vector<rival> rivals; // the first one is ours
};

inline void print(const cell& c, int& missed) {
    std::printf("\n%s\n", c.title.c_str());
    const double ours = c.rivals.front().median();
    for (const rival& r : c.rivals) {
        const auto [least, most] = std::minmax_element(r.found.begin(), r.found.end());
        std::printf("  %-42s %9.1f  (%.1f … %.1f)", r.name.c_str(), r.median(), *least, *most);
        if (&r != &c.rivals.front()) {
            std::printf("  %7.2f ×", r.median() / ours);
        }
        if (r.goal > 0) {
            const bool reached = r.median() >= r.goal * ours;
            missed += reached ? 0 : 1;
            std::printf("  goal %.1f ×: %s", r.goal, reached ? "reached" : "NOT reached");
        }
        if (r.limit > 0) {
            const bool reached = ours <= r.limit * r.median();
            missed += reached ? 0 : 1;
            std::printf("  ours is %.2f × of it; at most %.1f ×: %s", ours / r.median(), r.limit,
                        reached ? "reached" : "NOT reached");
        }
        std::printf("\n");
    }
}

// Options, rounds, table, JSON: all of main() except the cells.
inline int run(int argc, char** argv, const std::string& about,
               const std::function<std::vector<cell>()>& cells) {
    CLI::App app(about);
    plan p;
    bool quick = false;
    std::string json;
    app.add_option("--rounds", p.rounds, "how often every rival runs every cell")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
    app.add_option("--window", p.window, "seconds of each run")
        ->capture_default_str()
        ->check(CLI::Range(0.001, 60.0));
    app.add_flag("--busy", p.busy, "measure the threads' CPU time: for a busy machine");
    app.add_flag("--quick", quick, "5 rounds of 10 ms");
    app.add_option("--json", json, "write all runs to this file too");
    CLI11_PARSE(app, argc, argv);
    if (quick) {
        p.rounds = 5;
        p.window = 0.01;
    }

    std::vector<cell> table = cells();
    for (int round = 0; round < p.rounds; ++round) {
        for (cell& c : table) {
            for (std::size_t i = 0; i < c.rivals.size(); ++i) {
                rival& r = c.rivals[(i + static_cast<std::size_t>(round)) % c.rivals.size()];
                r.found.push_back(r.run(p));
            }
        }
    }

    std::printf("%s\nNanoseconds on each thread: median, lowest and highest of %d rounds%s.\n", about.c_str(),
                p.rounds, p.busy ? ", of the time that threads were running" : "");
    int missed = 0;
    nlohmann::json all = {
        {"rounds", p.rounds}, {"window", p.window}, {"busy", p.busy}, {"cells", nlohmann::json::array()}};
    for (const cell& c : table) {
        print(c, missed);
        nlohmann::json rivals = nlohmann::json::array();
        for (const rival& r : c.rivals) {
            rivals.push_back({{"name", r.name},
                              {"ns", r.median()},
                              {"goal", r.goal},
                              {"limit", r.limit},
                              {"runs", r.found}});
        }
        all["cells"].push_back({{"title", c.title}, {"rivals", rivals}});
    }
    std::printf("\n%s\n", missed == 0 ? "All goals reached."
                                      : (std::to_string(missed) + " goals not reached.").c_str());
    if (!json.empty()) {
        std::ofstream file(json);
        file << all.dump(1) << '\n';
        if (!file) {
            std::fprintf(stderr, "cannot write %s\n", json.c_str());
            return 1;
        }
    }
    return 0;
}

} // namespace bench_turns
