// SPDX-License-Identifier: Apache-2.0
//
// Mistakes on the command line, in the words of the user. The parser's own messages speak of its types, and
// list several words in reverse order.
#pragma once

#include "cli/usage/definition.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ibid::cli {

struct mistake {
    std::string what;   // "run has no option --exclud"
    std::string advice; // a sentence: "Did you mean '--exclude'?"
};

// Of the names, those that were probably meant by `word`, nearest first; empty: it resembles none.
[[nodiscard]] std::vector<std::string> similar(std::string_view word, const std::vector<std::string>& names);

// "Did you mean 'ibid stat' or 'ibid status'?"; empty if there is no name. `before` comes before each name.
[[nodiscard]] std::string did_you_mean(const std::vector<std::string>& names, std::string_view before = {});

// The first word of a wrong number or form. `words`: those behind the command, up to its program.
[[nodiscard]] std::optional<mistake> wrong_words(const usage::command& c,
                                                 const std::vector<std::string>& words);

} // namespace ibid::cli
