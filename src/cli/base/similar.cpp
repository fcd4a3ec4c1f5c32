// SPDX-License-Identifier: Apache-2.0
//
// See similar.h.
#include "cli/base/similar.h"

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

} // namespace ibid::cli
