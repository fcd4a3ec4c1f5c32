// SPDX-License-Identifier: Apache-2.0
//
// A figure from several trials, stock and under ibid, and whether both differ.
//
// Law: there is a difference only if every value of one kind is below every value of the other. With five and
// five that happens by chance once in 126 times; with three and three once in 10.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace ibid::cli::measure {

constexpr std::size_t fewest_runs = 3; // of each kind, to tell a difference

struct sample {
    std::vector<double> values; // one for each round

    [[nodiscard]] double median() const;
    [[nodiscard]] double least() const;
    [[nodiscard]] double most() const;
};

struct comparison {
    std::string name; // "memory"
    std::string what; // "private dirty, all processes"
    std::string unit; // "bytes", "seconds"
    sample stock;
    sample under_ibid;
    bool fine = false;   // seconds: shown in smaller units
    bool in_text = true; // false: only in JSON

    [[nodiscard]] bool differ() const;
    // "1.4 x less", "1.1 x more", "no difference seen", "too few runs to compare"
    [[nodiscard]] std::string verdict() const;
};

// "14.2 MiB (14.1 MiB to 14.4 MiB)", "0.55 s (0.53 s to 0.60 s)"; `fine`: "1.20 ms (1.10 ms to 1.30 ms)"
[[nodiscard]] std::string shown(const sample& s, const std::string& unit, bool fine = false);

} // namespace ibid::cli::measure
