// SPDX-License-Identifier: Apache-2.0
//
// The name that somebody probably meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ibid::cli {

// Of the names, those that were probably meant by `word`, nearest first; empty: it resembles none.
[[nodiscard]] std::vector<std::string> similar(std::string_view word, const std::vector<std::string>& names);

// "Did you mean 'ibid stat' or 'ibid status'?"; empty if there is no name. `before` comes before each name.
[[nodiscard]] std::string did_you_mean(const std::vector<std::string>& names, std::string_view before = {});

} // namespace ibid::cli
