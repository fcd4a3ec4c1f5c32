// SPDX-License-Identifier: Apache-2.0
//
// Which shared libraries a program would be given, and which a running process has.
//
// Law: nothing of the program runs. The dynamic loader that this command itself runs under is asked
// (`--list`, as ldd does), never one that a program names.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace ibid::cli {

// The paths of all libraries that the loader would map for the ELF file at `path`, in this environment. Empty
// when it is static or its loader is another one.
[[nodiscard]] std::vector<std::string> libraries_of_program(const std::string& path);

// The files that a running process has mapped with execution allowed. Empty when it may not be looked at.
[[nodiscard]] std::vector<std::string> libraries_of_process(pid_t pid);

// The path behind `soname` if a program asked for it now ("libcrypto.so.3"); empty if there is none.
[[nodiscard]] std::string library_by_name(const std::string& soname);

// The first of `paths` whose file name begins with `name` ("libcrypto.so"); empty if there is none.
[[nodiscard]] std::string first_named(const std::vector<std::string>& paths, const std::string& name);

} // namespace ibid::cli
