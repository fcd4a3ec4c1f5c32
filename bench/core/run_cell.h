// SPDX-License-Identifier: Apache-2.0
//
// One process, one interner, one cell: sets it up, runs it, checks the result, prints one line of JSON.
//
//     int main(int argc, char** argv) {
//         return run(argc, argv, "library 1.0",
//                    {{"xxh3", run_cell<peer<key16, xxh3>>, run_cell<peer<key1200, xxh3>>}});
//     }
//
// Law: everything except the operation itself (keys, their order, memory for the handles, the heap's pages)
// is prepared before the clock runs. If a result breaks the interner's laws, the program ends with a message
// instead of a figure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/heap.h"
#include "core/interner.h"
#include "core/keys.h"
#include "core/measure.h"
#include "core/sequence.h"

namespace bench {

// Makes the compiler assume that the address is used, without other effects.
inline void keep(const void* address) noexcept {
    asm volatile("" : : "r"(address));
}

inline void require(bool holds, const char* what) {
    if (!holds) {
        throw std::runtime_error(what);
    }
}

template <interner Interner>
class cell_runner {
    using key = typename Interner::key_type;
    using handle = typename Interner::handle;

public:
    cell_runner(const cell& c, const windows& plan) : cell_(c), plan_(plan) {
        for (std::uint64_t t = 0; t < c.threads; ++t) {
            orders_.push_back(order(c, t));
        }
    }

    [[nodiscard]] nlohmann::json run() {
        const bool needs_sharing = cell_.workload != "hit" && cell_.workload != "clone";
        require(Interner::thread_safe || cell_.threads == 1 || !needs_sharing,
                "not for more than one thread");
        const companion parked;
        warm_heap(cell_.distinct * (key::bytes + 256) + (std::size_t{4} << 20));
        interner_.emplace();
        const nlohmann::json result = cell_.workload == "insert" ? insert() : steady();
        if constexpr (requires { interner_->entries(); }) {
            require(interner_->entries() == 0, "entries without a handle");
        }
        return result;
    }

private:
    using stream = typename key::stream;

    void make_streams() {
        for (const auto& numbers : orders_) {
            streams_.emplace_back(numbers);
        }
    }

    // First insert. All keys at once, or, if that is too short to measure, several times: the drops in
    // between are not timed, and from the second time on the table has already had its full size.
    [[nodiscard]] nlohmann::json insert() {
        make_streams();
        const bool batches = cell_.distinct < 100'000;
        const std::size_t rounds = batches ? 50 * plan_.count : 1;
        std::vector<std::vector<handle>> held(cell_.threads);
        for (auto& h : held) {
            h.reserve(streams_[0].size());
        }
        outcome found;
        std::size_t bytes = 0;
        for (std::size_t round = 0; round < rounds; ++round) {
            const std::size_t before = bytes_in_use();
            std::vector<double> began(cell_.threads);
            std::vector<double> ended(cell_.threads);
            std::vector<double> ran(cell_.threads);
            on_threads(cell_.threads, [&](std::uint64_t t) {
                const stream& keys = streams_[t];
                const double cpu = thread_cpu();
                began[t] = wall();
                for (std::size_t k = 0; k < keys.size(); ++k) {
                    held[t].push_back(interner_->intern(keys[k]));
                }
                ended[t] = wall();
                ran[t] = thread_cpu() - cpu;
            });
            bytes = bytes_in_use() - before;
            const double took =
                *std::max_element(ended.begin(), ended.end()) - *std::min_element(began.begin(), began.end());
            const std::uint64_t inserted = cell_.threads * streams_[0].size();
            found.rates.push_back(static_cast<double>(inserted) / took);
            found.running_rates.push_back(static_cast<double>(inserted) /
                                          *std::max_element(ran.begin(), ran.end()));
            found.operations += inserted;
            for (auto& h : held) {
                check(h, streams_[static_cast<std::size_t>(&h - held.data())]);
                h.clear();
            }
        }
        nlohmann::json result = describe(found);
        if (!batches) {
            result["bytes_per_entry"] = static_cast<double>(bytes) / static_cast<double>(found.operations) -
                                        static_cast<double>(key::bytes);
        }
        return result;
    }

    [[nodiscard]] nlohmann::json steady() {
        std::vector<handle> held;
        double bytes_per_entry = 0;
        if (cell_.workload != "churn") {
            held.reserve(cell_.distinct);
            const std::size_t before = bytes_in_use();
            // A thread for each thread of the cell inserts that thread's keys (see order()); the last one
            // also inserts the rest.
            const std::uint64_t own = cell_.distinct / cell_.threads;
            in_turn(cell_.threads, [&](std::uint64_t t) {
                const std::uint64_t end = t + 1 == cell_.threads ? cell_.distinct : (t + 1) * own;
                for (std::uint64_t i = t * own; i < end; ++i) {
                    held.push_back(interner_->intern(stream({static_cast<std::uint32_t>(i)})[0]));
                }
            });
            bytes_per_entry =
                static_cast<double>(bytes_in_use() - before) / static_cast<double>(cell_.distinct) -
                static_cast<double>(key::bytes);
        }
        outcome found;
        if (cell_.workload == "clone") {
            found = run_windows(cell_.threads, plan_, orders_[0].size(), [&](std::uint64_t t, std::size_t k) {
                const handle copy =
                    held[orders_[t][k]]; // NOLINT(performance-unnecessary-copy-initialization)
                keep(&Interner::value(copy));
            });
        } else {
            make_streams();
            if (cell_.workload == "hit") {
                check_hits(held);
            }
            found =
                run_windows(cell_.threads, plan_, streams_[0].size(), [&](std::uint64_t t, std::size_t k) {
                    const handle h = interner_->intern(streams_[t][k]);
                    keep(&Interner::value(h));
                });
        }
        nlohmann::json result = describe(found);
        if (!held.empty() && cell_.distinct >= 1000) {
            result["bytes_per_entry"] = bytes_per_entry;
        }
        return result;
    }

    void check(const std::vector<handle>& held, const stream& keys) const {
        require(held.size() == keys.size(), "a handle is missing");
        for (std::size_t k = 0; k < keys.size(); k += 997) {
            require(Interner::value(held[k]) == typename key::owned(keys[k]),
                    "not the value that was interned");
        }
    }

    void check_hits(const std::vector<handle>& held) {
        for (std::size_t k = 0; k < orders_[0].size(); k += 997) {
            const handle h = interner_->intern(streams_[0][k]);
            require(&Interner::value(h) == &Interner::value(held[orders_[0][k]]), "two values for one key");
        }
    }

    [[nodiscard]] nlohmann::json describe(const outcome& found) const {
        nlohmann::json result{
            {"rates", found.rates},
            {"running_rates", found.running_rates},
            {"operations", found.operations},
            {"background_ns", 1e9 * std::max(0.0, found.process_cpu - found.worker_cpu) /
                                  static_cast<double>(found.operations)},
            {"fingerprint", fingerprint(orders_[0])},
        };
        for (const auto& [name, count] : found.counted) {
            result["counted"][name] = static_cast<double>(count) / static_cast<double>(found.operations);
        }
        return result;
    }

    cell cell_;
    windows plan_;
    std::vector<std::vector<std::uint32_t>> orders_; // one for each thread
    std::vector<stream> streams_;                    // one for each thread
    std::optional<Interner> interner_;
};

using cell_function = nlohmann::json (*)(const cell&, const windows&);

template <interner Interner>
[[nodiscard]] nlohmann::json run_cell(const cell& c, const windows& plan) {
    return cell_runner<Interner>(c, plan).run();
}

// The interners of one program: for each hash that it supports, one for each kind of key.
struct offer {
    std::string hash; // "xxh3": shared by all programs; "own": the library's default
    cell_function short_keys;
    cell_function long_keys;
};

// `library`: the name and version of the measured library.
[[nodiscard]] inline int run(int argc, char** argv, const std::string& library,
                             std::initializer_list<offer> offers) {
    try {
        if (argc != 8) {
            throw std::invalid_argument(
                "usage: PROGRAM WORKLOAD KEY_BYTES DISTINCT THREADS HASH WINDOW_MS WINDOWS");
        }
        const cell c{argv[1], std::stoull(argv[2]), std::stoull(argv[3]), std::stoull(argv[4])};
        const windows plan{std::stod(argv[6]) / 1000, std::stoull(argv[7])};
        require(c.key_bytes == key16::bytes || c.key_bytes == key1200::bytes, "keys have 16 or 1200 bytes");
        require(c.distinct > 0 && c.threads > 0 && plan.count > 0, "counts begin at 1");
        for (const offer& o : offers) {
            if (o.hash == argv[5]) {
                const auto function = c.key_bytes == key16::bytes ? o.short_keys : o.long_keys;
                nlohmann::json result = function(c, plan);
                result["library"] = library;
                std::printf("%s\n", result.dump().c_str());
                return 0;
            }
        }
        throw std::invalid_argument(std::string("no such hash here: ") + argv[5]);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
        return 1;
    }
}

} // namespace bench
