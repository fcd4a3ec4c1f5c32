// SPDX-License-Identifier: Apache-2.0
//
// The completion for each kind of word, in each shell. The three completion files differ only in syntax.
#pragma once

#include "cli/usage/definition.h"

namespace ibid::cli::usage {

// Empty: no completion.
struct completer {
    const char* bash = ""; // arguments of compgen
    const char* zsh = "";  // an action of _arguments
    const char* fish = ""; // an argument of complete -xa
};

[[nodiscard]] completer completer_of(word is);

} // namespace ibid::cli::usage
