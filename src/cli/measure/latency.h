// SPDX-License-Identifier: Apache-2.0
//
// The latency percentiles in the output of a load tool: wrk and wrk2 (--latency), ab, hey, oha, bombardier
// (-l), vegeta, k6.
//
// Law: any output may be given. A number whose unit is not known is left out.
#pragma once

#include <string_view>
#include <vector>

namespace ibid::cli::measure {

struct percentile {
    double percent = 0; // 99.9; 100: the slowest
    double seconds = 0;
};

// In ascending order, each percent once. If the output has several tables, the first one counts.
[[nodiscard]] std::vector<percentile> latencies_in(std::string_view output);

// "1m2.5s", "254.2µs", "1.2 ms", "0.0012 secs"; a plain number counts in `unit` seconds. Less than 0: not a
// duration.
[[nodiscard]] double duration_in(std::string_view text, double unit = -1);

} // namespace ibid::cli::measure
