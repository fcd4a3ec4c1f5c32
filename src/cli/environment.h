// SPDX-License-Identifier: Apache-2.0
//
// The environment in which a program runs under ibid: where the preload is, and the variables that say so.
#pragma once

#include <optional>
#include <string>

namespace ibid::cli {

// libibid_preload.so beside this command: ../lib first (a build folder, /usr/local), then the folder it was installed to.
// Nothing when it is in neither.
[[nodiscard]] std::optional<std::string> find_preload();

// The value for LD_PRELOAD: `preload` first, then what is there already, which keeps working beside it. The same as
// `current` when the preload is in it already (an `ibid run` inside of another).
[[nodiscard]] std::string prepend_preload(const std::string& preload, const std::string& current);

// Whether the loader can be told of this path: LD_PRELOAD is separated by colons and spaces, without any quoting.
[[nodiscard]] bool fits_into_ld_preload(const std::string& path);

// What is wrong with one of the variables that the preload reads (docs/command.md), for a person; empty when nothing is. The
// preload itself takes what it cannot understand as unset.
[[nodiscard]] std::string wrong_setting();

} // namespace ibid::cli
