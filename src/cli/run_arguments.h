// SPDX-License-Identifier: Apache-2.0
//
// The words of `ibid run`, taken without CLI11: they are parsed at each start of a program, and that must
// cost next to nothing. What is not plain here (--help, errors) goes to arguments.cpp, which says what the
// options mean.
#pragma once

#include "cli/run.h"

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace ibid::cli {

// Where the program stands in the words after "run": the options are ibid's, and from there on all words are
// the program's, whatever they look like. `options` ends where `program` begins, without the "--" between
// them.
struct run_words {
    std::size_t options = 0; // how many words are options and their values
    std::size_t program = 0; // index of the first word of the program; the number of words if there is none
};
[[nodiscard]] run_words split_run(const std::vector<std::string_view>& words);

// `words` as main has them. Nothing: this is another command, or not a plain one.
[[nodiscard]] std::optional<run_request> plain_run(int count, const char* const* words);

} // namespace ibid::cli
