// SPDX-License-Identifier: Apache-2.0
//
// Files that can be executed, and where they are found.
#pragma once

#include <string>

namespace ibid::cli {

[[nodiscard]] bool is_executable_file(const std::string& path);

// Finds `name` as execvp does: as a path if it has a slash, along PATH if not. Empty when there is none.
[[nodiscard]] std::string find_executable(const std::string& name);

// The first regular file of this name along PATH, also one that cannot be executed. Empty when there is none.
[[nodiscard]] std::string find_file_in_path(const std::string& name);

} // namespace ibid::cli
