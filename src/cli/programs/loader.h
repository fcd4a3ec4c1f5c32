// SPDX-License-Identifier: Apache-2.0
//
// Which shared libraries a program would load, and which ones a running process has.
//
// Law: no code of the program runs. Only this command's own dynamic loader is used (`--list`, as ldd does),
// never one that a program names.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace ibid::cli {

// The paths of all libraries that the loader would map for the ELF file at `path`, in this environment. Empty
// if it is static or has another loader.
[[nodiscard]] std::vector<std::string> libraries_of_program(const std::string& path);

// The files that a running process has mapped as executable. Empty without permission to read them.
[[nodiscard]] std::vector<std::string> libraries_of_process(pid_t pid);

// The path that a program would get for `soname` ("libcrypto.so.3"); empty if there is none.
[[nodiscard]] std::string library_by_name(const std::string& soname);

// The first of `paths` whose file name begins with `name` ("libcrypto.so"); empty if there is none.
[[nodiscard]] std::string first_named(const std::vector<std::string>& paths, const std::string& name);

} // namespace ibid::cli
