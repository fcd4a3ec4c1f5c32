// SPDX-License-Identifier: Apache-2.0
//
// Which file a command line would run, and whether something can be preloaded into it.
//
// Law: looks, never runs. What it says is a reason for a person; whether a program was helped is said by the
// program's own counters.
#pragma once

#include "cli/elf_file.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ibid::cli {

struct program {
    std::string path; // of the ELF file that runs in the end
    std::vector<std::string>
        scripts; // the files with a #! line that lead to it, first the one that was named
    std::string
        shell_script; // the last of them, where `path` is a shell and what the script starts is not known
    std::optional<elf_file> elf; // nothing: not readable, or no ELF
    bool privileged = false;     // setuid, setgid or file capabilities: the loader ignores LD_PRELOAD
    std::string broken;          // why it cannot be run at all; empty when it can
};

// What a shell script becomes, if it does nothing else: comments, set, plain assignments, and "exec PATH ..."
// with a literal path. Empty: not known without running it.
[[nodiscard]] std::string target_of_shell_script(std::string_view text);

// Finds `name` as execvp does: as a path if it has a slash, along PATH if not. Nothing when there is no such
// program.
[[nodiscard]] std::optional<program> find_program(const std::string& name);

// Why there is none of that name, for a person.
[[nodiscard]] std::string why_no_program(const std::string& name);

// The same for one file.
[[nodiscard]] program look_at(const std::string& path);

// The dynamic loader of this command; empty only if the command itself is static.
[[nodiscard]] const std::string& own_interpreter();

// Why nothing can be preloaded into it; empty when it can. Speaks of the program as "it".
[[nodiscard]] std::string why_not_preloadable(const program& p);

// Whether LD_PRELOAD would do harm there: a loader of another processor or C library complains or refuses to
// start.
[[nodiscard]] bool harmed_by_preload(const program& p);

} // namespace ibid::cli
