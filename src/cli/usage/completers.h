// SPDX-License-Identifier: Apache-2.0
//
// What completes each kind of word, in each shell. The three files of completions differ in syntax alone.
#pragma once

#include "cli/usage/definition.h"

namespace ibid::cli::usage {

// Empty: nothing completes it.
struct completer {
    const char* bash = ""; // arguments of compgen
    const char* zsh = "";  // an action of _arguments
    const char* fish = ""; // an argument of complete -xa
};

[[nodiscard]] completer completer_of(word is);

} // namespace ibid::cli::usage
