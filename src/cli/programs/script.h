// SPDX-License-Identifier: Apache-2.0
//
// Scripts: what runs them, and what a shell script does.
//
// Law: it reads files and never runs them.
#pragma once

#include <string>
#include <string_view>

namespace ibid::cli {

// The interpreter of a script; empty if the file is not a script. execve(2): after "#!" comes a path up to a
// space or tab, then one argument. For env(1), the program that env finds along PATH.
[[nodiscard]] std::string interpreter_of_script(const std::string& path);

// Why an interpreter of that name is probably not there; empty: not known.
[[nodiscard]] std::string probable_mistake(const std::string& interpreter);

[[nodiscard]] bool is_shell(const std::string& path);

// The program that a shell script executes, if it does nothing else: only comments, set, plain assignments,
// and "exec PATH ..." with a literal path. Empty: not known without running it.
[[nodiscard]] std::string target_of_shell_script(std::string_view text);

} // namespace ibid::cli
