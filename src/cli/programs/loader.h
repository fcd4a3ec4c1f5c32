// SPDX-License-Identifier: Apache-2.0
//
// Which shared libraries a program would load.
//
// Law: no code of the program runs. Only this command's own dynamic loader is used (`--list`, as ldd does),
// never one that a program names. It is asked in a child, which is given a few seconds.
#pragma once

#include "cli/programs/loaded_files.h"

#include <string>
#include <vector>

namespace ibid::cli {

struct loader_answer {
    std::vector<loaded_file> files;
    std::string why_not; // why it gave none, for a person; empty: it did
};

// All libraries that the loader would map for the ELF file at `path`, in this environment. None if it is
// static or has another loader.
[[nodiscard]] loader_answer libraries_of_program(const std::string& path);

// The file that a program would get for `soname` ("libcrypto.so.3"); none if there is none.
[[nodiscard]] loader_answer library_by_name(const std::string& soname);

} // namespace ibid::cli
