// SPDX-License-Identifier: Apache-2.0
//
// Environment functions for the preload's constructor: decide in which programs ibid does nothing, and remove
// the preload from LD_PRELOAD.
//
// Law: no allocation, no lock, no system call, no call into the C library's environment functions: this runs
// before libc is set up (-z initfirst: getenv() finds nothing yet), and in children of a fork.
//
//     [[gnu::constructor]] void begin(int, char** argv, char** envp) {
//         if (leaves_children_alone(envp, argv))
//             remove_preload(envp, false);
//         if (is_excluded(envp, argv))
//             return;
//         shared_statistics::open_at_load(variable(envp, "IBID_STATISTICS"));
#pragma once

#include <string_view>

namespace ibid::preload {

// The value of a variable; null if it is not set.
[[nodiscard]] const char* variable(char* const* environment, std::string_view name) noexcept;

// Whether `list` ("git:ssh", IBID_EXCLUDE) contains the base name of `path`. It never contains an empty name.
[[nodiscard]] bool names_program(std::string_view list, std::string_view path) noexcept;

// Whether IBID_EXCLUDE contains this program: then ibid shares nothing in it. Checks the executed file (for a
// script, the script) and argv[0] (for a script, its interpreter). Does not apply to programs that it starts.
[[nodiscard]] bool is_excluded(char* const* environment, char* const* words) noexcept;

// IBID_CHILDREN=0: programs that this one starts run without ibid. False for env(1), because it only executes
// another program.
[[nodiscard]] bool leaves_children_alone(char* const* environment, char* const* words) noexcept;

// Removes libibid_preload.so, in any folder, from LD_PRELOAD; and removes the variable if nothing else is in
// it. Other entries stay in their order. The old text is not modified, because it may be a constant of the
// program. `in_use`: other threads may be reading the environment; then the variable stays, with an empty
// value, because moving the others up would hide one of them for an instant. Does nothing if the rest has
// more than 4,095 characters.
void remove_preload(char** environment, bool in_use) noexcept;

} // namespace ibid::preload
