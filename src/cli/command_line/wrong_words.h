// SPDX-License-Identifier: Apache-2.0
//
// Mistakes on the command line, in the words of the user. The parser's own messages speak of its types, and
// list several words in reverse order.
#pragma once

#include "cli/usage/definition.h"

#include <optional>
#include <string>
#include <vector>

namespace ibid::cli {

struct mistake {
    std::string what;   // "run has no option --exclud"
    std::string advice; // a sentence: "Did you mean '--exclude'?"
};

// The first word of a wrong number or form. `words`: those behind the command, up to its program.
[[nodiscard]] std::optional<mistake> wrong_words(const usage::command& c,
                                                 const std::vector<std::string>& words);

// An error message for a word of this kind; empty if it is valid.
[[nodiscard]] std::string wrong_word(usage::word is, const std::string& text);

// What is wrong with words that the parser refused, and what was probably meant. `error`: the parser's
// message.
[[nodiscard]] mistake complaint(const std::vector<std::string>& words, const std::string& error);

} // namespace ibid::cli
