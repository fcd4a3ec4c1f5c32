// SPDX-License-Identifier: Apache-2.0
//
// See comparison.h.
#include "cli/measure/comparison.h"

#include "cli/base/numbers.h"

#include <algorithm>

#include <fmt/format.h>

namespace ibid::cli::measure {

double sample::median() const {
    std::vector<double> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    const std::size_t n = sorted.size();
    return n == 0 ? 0 : n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

double sample::least() const {
    return values.empty() ? 0 : *std::min_element(values.begin(), values.end());
}

double sample::most() const {
    return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

bool comparison::differ() const {
    return stock.values.size() >= fewest_runs &&
           (stock.most() < under_ibid.least() || under_ibid.most() < stock.least());
}

std::string comparison::verdict() const {
    if (stock.values.size() < fewest_runs)
        return "too few runs to compare";
    const double before = stock.median();
    const double after = under_ibid.median();
    if (!differ() || before <= 0 || after <= 0)
        return "no difference seen";
    return after < before ? fmt::format("{:.2f} x less", before / after)
                          : fmt::format("{:.2f} x more", after / before);
}

std::string shown(const sample& s, const std::string& unit, bool fine) {
    const auto one = [&unit, fine](double v) {
        if (fine && unit == "seconds" && v < 1)
            return v < 1e-3 ? fmt::format("{:.0f} us", v * 1e6) : fmt::format("{:.2f} ms", v * 1e3);
        return unit == "bytes" ? bytes_text(static_cast<std::uint64_t>(v)) : fmt::format("{:.3f} s", v);
    };
    if (s.most() <= 0)
        return "not seen: the runs are too short";
    return fmt::format("{} ({} to {})", one(s.median()), one(s.least()), one(s.most()));
}

} // namespace ibid::cli::measure
