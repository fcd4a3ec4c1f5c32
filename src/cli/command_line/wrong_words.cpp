// SPDX-License-Identifier: Apache-2.0
//
// See wrong_words.h.
#include "cli/command_line/wrong_words.h"

#include "cli/base/words.h"

#include <algorithm>
#include <cstddef>

#include <fmt/format.h>

namespace ibid::cli {
namespace {

// The edit distance: how many letters to change, add, leave out or exchange with the next.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1); // of the first i letters of `a`, to each start of `b`
    for (std::size_t j = 0; j <= b.size(); ++j)
        row[j] = j;
    std::vector<std::size_t> before = row;
    std::vector<std::size_t> two_before = row;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        two_before.swap(before);
        before = row;
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            row[j] =
                std::min({before[j] + 1, row[j - 1] + 1, before[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], two_before[j - 2] + 1);
        }
    }
    return row[b.size()];
}

bool is_option(const std::string& word) {
    return word.size() > 1 && word.front() == '-';
}

} // namespace

std::vector<std::string> similar(std::string_view word, const std::vector<std::string>& names) {
    // Two letters, and at most half of the word: 'foo' is no misspelt 'top'.
    constexpr std::size_t longest = 64;
    std::size_t least = std::min<std::size_t>(2, word.size() / 2);
    std::vector<std::string> nearest;
    for (const std::string& name : names) {
        const std::size_t d = word.size() > longest ? longest : distance(word, name);
        if (d > least)
            continue;
        if (d < least)
            nearest.clear();
        least = d;
        nearest.push_back(name);
    }
    return nearest;
}

std::string did_you_mean(const std::vector<std::string>& names, std::string_view before) {
    if (names.empty())
        return {};
    std::string text = "Did you mean ";
    for (std::size_t i = 0; i < names.size(); ++i)
        text += fmt::format("{}'{}{}'",
                            i == 0                  ? ""
                            : i + 1 == names.size() ? " or "
                                                    : ", ",
                            before, names[i]);
    return text + "?";
}

std::optional<mistake> wrong_words(const usage::command& c, const std::vector<std::string>& words) {
    const std::string help = fmt::format("'ibid {} --help' explains it.", c.name);
    std::size_t operands = 0;
    bool only_operands = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (only_operands || !is_option(word)) {
            if (++operands > c.operands.size())
                return mistake{fmt::format("'{}' is one word too many", legible(word)), help};
            continue;
        }
        if (word == "--") {
            only_operands = true;
            continue;
        }
        const std::size_t equals = word.find('=');
        const std::string name = word.substr(0, equals);
        const auto at = std::find_if(c.options.begin(), c.options.end(),
                                     [&name](const usage::option& o) { return o.name == name; });
        if (at == c.options.end()) {
            std::vector<std::string> names{"--help"};
            for (const usage::option& o : c.options)
                names.push_back(o.name);
            const std::string meant = did_you_mean(similar(name, names));
            return mistake{fmt::format("{} has no option {}", c.name, legible(name)),
                           meant.empty() ? help : meant};
        }
        if (at->value.empty() && equals != std::string::npos)
            return mistake{fmt::format("{} takes no value", name), help};
        if (at->value_may_be_left_out && equals + 1 == word.size())
            return mistake{fmt::format("{}: it is empty", name), help};
        if (at->value.empty() || at->value_may_be_left_out || equals != std::string::npos)
            continue;
        if (i + 1 == words.size())
            return mistake{fmt::format("{} needs a value: {} {}", name, name, at->value), help};
        ++i;
    }
    return std::nullopt;
}

} // namespace ibid::cli
