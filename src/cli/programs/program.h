// SPDX-License-Identifier: Apache-2.0
//
// Which file a command line would run, and whether something can be preloaded into it.
//
// Law: it reads files and never runs them. Its result is a reason for a person; only a program's own counters
// tell whether it was helped.
#pragma once

#include "cli/programs/elf_file.h"

#include <optional>
#include <string>
#include <vector>

namespace ibid::cli {

struct program {
    std::string path;                 // of the ELF file that runs in the end
    std::vector<std::string> scripts; // the scripts that lead to it, beginning with the one that was named
    std::string
        shell_script; // the last script, if `path` is a shell and it is not known what the script starts
    std::optional<elf_file> elf; // nothing: not readable, or no ELF
    std::string unread;          // why it may not be read, though perhaps executed; empty: it may
    bool privileged = false;     // setuid, setgid or file capabilities: the loader ignores LD_PRELOAD
    std::string broken;          // why it cannot be run at all; empty when it can
};

// Finds `name` as execvp does: as a path if it has a slash, along PATH if not. Nothing if there is no such
// program.
[[nodiscard]] std::optional<program> find_program(const std::string& name);

// Why there is none of that name, for a person.
[[nodiscard]] std::string why_no_program(const std::string& name);

// What to add to that if the name is a whole command line in quotes, such as 'curl -V'; else empty.
[[nodiscard]] std::string advice_about_quotes(const std::string& name);

// The same for one file.
[[nodiscard]] program look_at(const std::string& path);

// The dynamic loader of this command; empty only if the command itself is static.
[[nodiscard]] const std::string& own_interpreter();

// Why nothing can be preloaded into it; empty if it is possible. The text calls the program "it".
[[nodiscard]] std::string why_not_preloadable(const program& p);

// Whether LD_PRELOAD would do harm: a loader for another processor or C library prints an error or refuses to
// start the program.
[[nodiscard]] bool harmed_by_preload(const program& p);

} // namespace ibid::cli
