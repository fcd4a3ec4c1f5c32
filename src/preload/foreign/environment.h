// SPDX-License-Identifier: Apache-2.0
//
// The environment of a program under ibid, as the preload's constructor needs it: which programs are left
// alone, and how the preload takes itself out of LD_PRELOAD.
//
// Law: no allocation, no lock, no system call, no call into the C library's environment functions: this runs
// before libc is set up (-z initfirst: getenv() finds nothing yet), and in children of a fork.
//
//     [[gnu::constructor]] void begin(int, char** argv, char** envp) {
//         if (leaves_children_alone(envp, argv))
//             remove_preload(envp);
//         if (is_excluded(envp, argv))
//             return;
//         shared_statistics::open_at_load(variable(envp, "IBID_STATISTICS"));
#pragma once

#include <string_view>

namespace ibid::preload {

// The value of a variable; null when it is not there.
[[nodiscard]] const char* variable(char* const* environment, std::string_view name) noexcept;

// Whether `list` ("git:ssh", IBID_EXCLUDE) has the base name of `path`. An empty name is never in it.
[[nodiscard]] bool names_program(std::string_view list, std::string_view path) noexcept;

// IBID_EXCLUDE has this program: ibid shares nothing in it. Asked are the file that was executed (of a
// script, the script) and the program's own name, argv[0] (of a script, its interpreter). Programs that it
// starts are not concerned.
[[nodiscard]] bool is_excluded(char* const* environment, char* const* words) noexcept;

// IBID_CHILDREN=0: programs that this one starts run without ibid. Not so for env(1), which only becomes
// another one.
[[nodiscard]] bool leaves_children_alone(char* const* environment, char* const* words) noexcept;

// Takes libibid_preload.so, whatever folder it is in, out of LD_PRELOAD, and the variable out of the
// environment when nothing else is in it. Others' entries stay, in their order. The old text is left as it
// is: a program may have put a constant there. Does nothing when what stays has more than 4,095 characters.
void remove_preload(char** environment) noexcept;

} // namespace ibid::preload
