// SPDX-License-Identifier: Apache-2.0
//
// The manual page and the completions, from the definition. documents_main.cpp makes them at build time.
//
// Law: the same definition gives the same bytes. No dates, no names of machines.
#pragma once

#include <string>

namespace ibid::cli::usage {

[[nodiscard]] std::string manual_page(const std::string& version); // ibid(1), in man(7)'s macros
[[nodiscard]] std::string bash_completion(); // needs bash 4; uses bash-completion's library if it is there
[[nodiscard]] std::string zsh_completion();
[[nodiscard]] std::string fish_completion();

// Replaces every `from` in `text` by `to`.
[[nodiscard]] std::string replaced(std::string text, const std::string& from, const std::string& to);

} // namespace ibid::cli::usage
