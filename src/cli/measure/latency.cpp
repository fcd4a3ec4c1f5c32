// SPDX-License-Identifier: Apache-2.0
//
// See latency.h. The formats are those of the tools' own sources; tests/unit/cli/latency_test.cpp has an
// example of each.
#include "cli/measure/latency.h"

#include <algorithm>
#include <array>
#include <optional>

namespace ibid::cli::measure {
namespace {

std::string_view without_spaces(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t\r") + 1 - first);
}

// Takes a number off the front of `text`: digits, perhaps a point and digits. (Without a locale: strtod has
// one, and libc++ has no from_chars for it.)
std::optional<double> take_number(std::string_view& text) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    double value = 0;
    double place = 0; // of the next digit behind the point; 0: before it
    std::size_t i = 0;
    for (; i < text.size() && (is_digit(text[i]) || (text[i] == '.' && place == 0 && i > 0)); ++i) {
        if (text[i] == '.') {
            place = 0.1;
        } else if (place == 0) {
            value = value * 10 + (text[i] - '0');
        } else {
            value += place * (text[i] - '0');
            place /= 10;
        }
    }
    if (i == 0)
        return std::nullopt;
    text.remove_prefix(i);
    return value;
}

struct unit {
    std::string_view name;
    double seconds;
};
// A name that begins with another one comes first.
constexpr std::array units{
    unit{"ns", 1e-9},      unit{"us", 1e-6},   unit{"\u00b5s", 1e-6},
    unit{"\u03bcs", 1e-6}, unit{"msec", 1e-3}, unit{"milliseconds", 1e-3},
    unit{"ms", 1e-3},      unit{"min", 60},    unit{"m", 60},
    unit{"secs", 1},       unit{"seconds", 1}, unit{"sec", 1},
    unit{"s", 1},          unit{"h", 3600},
};

// "50%", "99.9%%" and what follows, at the front of a line.
std::optional<double> take_percent(std::string_view& line) {
    std::string_view rest = line;
    const std::optional<double> percent = take_number(rest);
    if (!percent || *percent > 100 || !rest.starts_with("%"))
        return std::nullopt;
    rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of('%')));
    line = without_spaces(rest);
    return percent;
}

// hey and oha say "50% in 0.0012 secs", wrk "50%   1.2ms", ab "50%   1" below a heading with "(ms)", and
// "100%   12 (longest request)".
std::optional<percentile> in_table(std::string_view line, double plain) {
    const std::optional<double> percent = take_percent(line);
    if (!percent)
        return std::nullopt;
    if (line.starts_with("in "))
        line = without_spaces(line.substr(3));
    line = without_spaces(line.substr(0, line.find('(')));
    const double seconds = duration_in(line, plain);
    return seconds < 0 ? std::nullopt : std::optional(percentile{*percent, seconds});
}

// The parts of "a, b, c", one after the other.
std::string_view take_part(std::string_view& list) {
    const std::string_view part = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), part.size() + 1));
    return without_spaces(part);
}

// vegeta: "Latencies     [min, mean, 50, 90, 95, 99, max]  1.1ms, 1.2ms, ...".
std::vector<percentile> in_brackets(std::string_view line) {
    const std::size_t open = line.find('[');
    const std::size_t close = line.find(']');
    std::vector<percentile> found;
    if (open == std::string_view::npos || close == std::string_view::npos || close < open)
        return found;
    std::string_view names = line.substr(open + 1, close - open - 1);
    std::string_view values = line.substr(close + 1);
    while (!names.empty() && !values.empty()) {
        std::string_view name = take_part(names);
        const double seconds = duration_in(take_part(values));
        const std::optional<double> percent = name == "max" ? std::optional(100.0) : take_number(name);
        if (percent && *percent <= 100 && seconds >= 0)
            found.push_back({*percent, seconds});
    }
    return found;
}

// k6: "http_req_duration......: avg=1.2ms min=1ms med=1.1ms max=9ms p(90)=2ms p(95)=3ms".
std::vector<percentile> in_equations(std::string_view line) {
    std::vector<percentile> found;
    while (!line.empty()) {
        const std::string_view word = line.substr(0, line.find(' '));
        line.remove_prefix(std::min(line.size(), word.size() + 1));
        const std::size_t equals = word.find('=');
        if (equals == std::string_view::npos)
            continue;
        std::string_view name = word.substr(0, equals);
        std::optional<double> percent;
        if (name == "med" || name == "max")
            percent = name == "med" ? 50 : 100;
        else if (name.starts_with("p("))
            percent = take_number(name = name.substr(2));
        const double seconds = duration_in(word.substr(equals + 1));
        if (percent && *percent <= 100 && seconds >= 0)
            found.push_back({*percent, seconds});
    }
    return found;
}

} // namespace

double duration_in(std::string_view text, double unit) {
    double all = 0;
    text = without_spaces(text);
    if (text.empty())
        return -1;
    while (!text.empty()) {
        const std::optional<double> number = take_number(text);
        if (!number)
            return -1;
        text = without_spaces(text);
        if (text.empty()) // a plain number, and nothing before it
            return unit < 0 || all > 0 ? -1 : *number * unit;
        const auto* const known = std::find_if(units.begin(), units.end(),
                                               [text](const auto& u) { return text.starts_with(u.name); });
        if (known == units.end())
            return -1;
        all += *number * known->seconds;
        text.remove_prefix(known->name.size());
    }
    return all;
}

std::vector<percentile> latencies_in(std::string_view output) {
    std::vector<percentile> found;
    double plain = -1; // the unit of numbers that have none
    while (!output.empty()) {
        const std::string_view whole = output.substr(0, output.find('\n'));
        output.remove_prefix(std::min(output.size(), whole.size() + 1));
        const std::string_view line = without_spaces(whole);
        if (line.find("(ms)") != std::string_view::npos)
            plain = 1e-3;
        std::vector<percentile> here;
        if (const std::optional<percentile> one = in_table(line, plain))
            here.push_back(*one);
        else if (line.starts_with("Latencies"))
            here = in_brackets(line);
        else if (line.starts_with("http_req_duration"))
            here = in_equations(line);
        for (const percentile& one : here) {
            if (std::none_of(found.begin(), found.end(),
                             [&one](const percentile& p) { return p.percent == one.percent; }))
                found.push_back(one);
        }
    }
    std::sort(found.begin(), found.end(),
              [](const percentile& a, const percentile& b) { return a.percent < b.percent; });
    return found;
}

} // namespace ibid::cli::measure
