// SPDX-License-Identifier: Apache-2.0
//
// bench_retention: the hit ratio of each replacement policy. docs/decisions/0012-retention-s3-fifo.md uses
// it.
//
// Hits are counted and nothing is timed: with the same options it prints the same figures on every machine,
// busy or not. Only our figures may vary by a tenth of a point, because each process hashes ghosts with a
// secret of its own. Cold starts are included. Every entry counts as one, whatever its size is.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "optimum.h"
#include "ours.h"
#include "policies.h"
#include "s3_fifo.h"
#include "traces.h"

namespace {

using namespace bench_retention;

struct contender {
    std::string name;
    std::string head; // of its column
    std::function<std::size_t(const trace&, std::size_t)> hits;
};

template <class Policy>
std::size_t hits_of(const trace& t, std::size_t capacity) {
    Policy policy(capacity, t.keys);
    return static_cast<std::size_t>(std::count_if(t.requests.begin(), t.requests.end(),
                                                  [&](const request& r) { return policy.access(r); }));
}

// The optimum is the last: it does not compete; it is the upper bound.
const std::vector<contender>& contenders() {
    static const std::vector<contender> all{
        {"ibid", "ibid", hits_of<ibid_cache>},
        {"ibid, two classes", "2 classes", hits_of<ibid_two_classes>},
        {"CLOCK", "CLOCK", hits_of<textbook_clock>},
        {"SIEVE", "SIEVE", hits_of<sieve>},
        {"S3-FIFO", "S3-FIFO", hits_of<s3_fifo<true>>},
        {"S3-FIFO without ghosts", "no ghosts", hits_of<s3_fifo<false>>},
        {"LRU", "LRU", hits_of<lru>},
        {"FIFO", "FIFO", hits_of<fifo>},
        {"optimum", "optimum",
         [](const trace& t, std::size_t capacity) { return optimal_hits(t.requests, capacity, t.keys); }},
    };
    return all;
}

struct row {
    const trace* of;
    std::size_t capacity;
    std::vector<double> percent; // of each contender

    [[nodiscard]] double best() const { return *std::max_element(percent.begin(), percent.end() - 1); }
};

std::uint64_t fingerprint(const trace& t) {
    std::uint64_t h = 0;
    for (const request& r : t.requests) {
        h = bench::mix(h ^ (2 * std::uint64_t{r.key} + (r.verifies ? 1 : 0)));
    }
    return h;
}

void print_head(const char* first) {
    std::printf("%-22s %5s", first, "kept");
    for (const contender& c : contenders()) {
        std::printf(" %9s ", c.head.c_str());
    }
    std::printf("\n");
}

void print(const std::vector<row>& rows) {
    print_head("hits, %");
    for (const row& r : rows) {
        std::printf("%-22s %5zu", r.of->name.c_str(), r.capacity);
        for (std::size_t i = 0; i < r.percent.size(); ++i) {
            const bool best = i + 1 < r.percent.size() && r.percent[i] >= r.best() - 0.05;
            std::printf(" %9.1f%c", r.percent[i], best ? '*' : ' ');
        }
        std::printf("\n");
    }
    std::printf(
        "* the best, or at most 0.05 points behind it; the optimum uses future requests and does not "
        "compete\n"
        "2 classes: ibid as for certificates; no ghosts: S3-FIFO that does not remember evicted keys\n\n");

    const auto summary = [&](const char* what, auto figure) {
        std::printf("%-28s", what);
        for (std::size_t i = 0; i < contenders().size(); ++i) {
            std::printf(" %9.1f ", figure(i));
        }
        std::printf("\n");
    };
    summary("mean of the rows, %", [&](std::size_t i) {
        double sum = 0;
        for (const row& r : rows) {
            sum += r.percent[i];
        }
        return sum / static_cast<double>(rows.size());
    });
    summary("most behind the best", [&](std::size_t i) {
        double most = 0;
        for (const row& r : rows) {
            most = std::max(most, r.best() - r.percent[i]);
        }
        return most;
    });
}

nlohmann::json as_json(const std::vector<row>& rows, const std::vector<trace>& traces, std::size_t requests,
                       std::uint64_t seed) {
    nlohmann::json all = {{"requests", requests}, {"seed", seed}};
    for (const trace& t : traces) {
        all["traces"].push_back(
            {{"name", t.name}, {"what", t.what}, {"keys", t.keys}, {"fingerprint", fingerprint(t)}});
    }
    for (const row& r : rows) {
        nlohmann::json percent;
        for (std::size_t i = 0; i < r.percent.size(); ++i) {
            percent[contenders()[i].name] = r.percent[i];
        }
        all["rows"].push_back({{"trace", r.of->name}, {"kept", r.capacity}, {"hits_percent", percent}});
    }
    return all;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app(
        "Hit ratios of replacement policies on traces with churn; ours is measured in ibid's real table.");
    std::size_t requests = 500'000;
    std::uint64_t seed = 1;
    std::vector<std::size_t> capacities{256, 1024, 4096};
    std::string json;
    app.add_option("--requests", requests, "of each trace")
        ->capture_default_str()
        ->check(CLI::Range(1, 100'000'000));
    app.add_option("--seed", seed, "of all traces")->capture_default_str()->check(CLI::Range(0, 1'000'000));
    app.add_option("--kept", capacities, "entries that may be kept")
        ->capture_default_str()
        ->check(CLI::Range(10, 10'000'000));
    app.add_option("--json", json, "write all figures to this file too");
    CLI11_PARSE(app, argc, argv);

    const std::vector<trace> traces = all_traces(requests, seed);
    std::printf("%zu requests a trace, seed %llu\n", requests, static_cast<unsigned long long>(seed));
    for (const trace& t : traces) {
        std::printf("  %-20s %016llx %7zu keys: %s\n", t.name.c_str(),
                    static_cast<unsigned long long>(fingerprint(t)), t.keys, t.what.c_str());
    }
    std::printf("\n");

    std::vector<row> rows;
    for (const trace& t : traces) {
        for (const std::size_t capacity : capacities) {
            row& r = rows.emplace_back(row{&t, capacity, {}});
            for (const contender& c : contenders()) {
                r.percent.push_back(100.0 * static_cast<double>(c.hits(t, capacity)) /
                                    static_cast<double>(t.requests.size()));
            }
        }
    }
    print(rows);

    if (!json.empty()) {
        std::ofstream file(json);
        file << as_json(rows, traces, requests, seed).dump(1) << '\n';
        if (!file) {
            std::fprintf(stderr, "cannot write %s\n", json.c_str());
            return 1;
        }
    }
    return 0;
}
