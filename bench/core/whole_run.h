// SPDX-License-Identifier: Apache-2.0
//
// One run of a whole program's work on one interner: everything is interned once, then looked up again, then
// dropped. expressions.cpp and symbols.cpp have the values.
//
//     struct rival { using handle = …; handle make(std::size_t i); … };
//     print(whole_run(rival, count, passes));
//
// Law: as in run_cell.h, everything that is not the interner's work is prepared before the clock runs, and a
// wrong result ends the program. All rivals of a program do the same work; the number of distinct values
// proves it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/clock.h"
#include "core/counters.h"
#include "core/heap.h"
#include "core/measure.h"

namespace bench {

// `busy`: measure CPU time. `passes`: the first one makes the values, the others look them up again. Rival:
// make(i, held) returns the handle of the i-th value (`held` has the handles before it); identity(handle).
template <class Rival>
[[nodiscard]] nlohmann::json whole_run(Rival& rival, std::size_t count, std::size_t passes, bool busy) {
    using handle = decltype(rival.make(0, {}));
    const companion parked;
    const auto now = [busy] { return busy ? thread_cpu() : wall(); };
    const auto each = [count](double took) { return took * 1e9 / static_cast<double>(count); };
    std::vector<handle> held;
    held.reserve(count);
    nlohmann::json found{{"count", count}};
    counters hardware;
    const auto tell = [&](const char* phase, double took) {
        found[std::string(phase) + "_ns"] = each(took);
        for (const auto& [name, n] : hardware.stop()) {
            found[std::string(phase) + "_" + name] = static_cast<double>(n) / static_cast<double>(count);
        }
    };
    const std::size_t before = bytes_in_use();
    for (std::size_t pass = 0; pass < passes; ++pass) {
        hardware.start();
        const double began = now();
        for (std::size_t i = 0; i < count; ++i) {
            if (pass == 0) {
                held.push_back(rival.make(i, held));
            } else if (Rival::identity(rival.make(i, held)) != Rival::identity(held[i])) {
                std::fprintf(stderr, "two values for one key\n");
                std::exit(1);
            }
        }
        tell(pass == 0 ? "make" : "again", now() - began);
        if (pass == 0) {
            std::size_t bytes = bytes_in_use() - before;
            std::unordered_set<const void*> distinct;
            for (const handle& h : held) {
                distinct.insert(Rival::identity(h));
            }
            found["distinct"] = distinct.size();
            found["bytes"] = static_cast<double>(bytes) / static_cast<double>(distinct.size());
        }
    }
    hardware.start();
    const double began = now();
    while (!held.empty()) {
        held.pop_back();
    }
    rival.end();
    tell("end", now() - began);
    return found;
}

// Sets up a rival, by its name, and runs it.
using rival_function = nlohmann::json (*)(std::size_t count, std::size_t passes, bool busy);

// PROGRAM RIVAL COUNT PASSES [busy]; without arguments, the rivals' names.
[[nodiscard]] inline int run_rival(int argc, char** argv,
                                   const std::map<std::string, rival_function>& rivals) {
    if (argc == 1) {
        for (const auto& [name, run] : rivals) {
            std::printf("%s\n", name.c_str());
        }
        return 0;
    }
    const auto rival = argc == 4 || argc == 5 ? rivals.find(argv[1]) : rivals.end();
    if (rival == rivals.end()) {
        std::fprintf(stderr, "usage: %s RIVAL COUNT PASSES [busy]\n", argv[0]);
        return 2;
    }
    const nlohmann::json found =
        rival->second(std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10), argc == 5);
    std::printf("%s\n", found.dump().c_str());
    return 0;
}

} // namespace bench
