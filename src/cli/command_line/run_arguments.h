// SPDX-License-Identifier: Apache-2.0
//
// Parses the arguments of `ibid run` without CLI11, because this happens at each start of a program and must
// be fast. Special cases (--help, errors) are left to arguments.cpp.
#pragma once

#include "cli/run/run.h"

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace ibid::cli {

// The position of the program in the words after "run". Words before it are ibid's options; from there on,
// all words belong to the program, whatever they look like. `options` ends where `program` begins, without a
// "--" between them.
struct run_words {
    std::size_t options = 0; // how many words are options and their values
    std::size_t program = 0; // index of the first word of the program; the number of words if there is none
};
[[nodiscard]] run_words split_run(const std::vector<std::string_view>& words);

// `words` as passed to main. Nothing: this is another command, or a special case.
[[nodiscard]] std::optional<run_request> plain_run(int count, const char* const* words);

} // namespace ibid::cli
