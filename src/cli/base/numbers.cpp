// SPDX-License-Identifier: Apache-2.0
//
// Numbers as people read them.
#include "cli/base/numbers.h"

#include <array>

#include <fmt/format.h>

namespace ibid::cli {

std::string grouped(std::uint64_t n) {
    const std::string digits = std::to_string(n);
    std::string text;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i != 0 && (digits.size() - i) % 3 == 0)
            text += ',';
        text += digits[i];
    }
    return text;
}

std::string bytes_text(std::uint64_t n) {
    constexpr std::array units{"KiB", "MiB", "GiB", "TiB"};
    if (n < 1024)
        return fmt::format("{} B", n);
    double value = static_cast<double>(n) / 1024;
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string counted(std::uint64_t n, std::string_view noun) {
    return fmt::format("{} {}{}", grouped(n), noun, n == 1 ? "" : "s");
}

} // namespace ibid::cli
