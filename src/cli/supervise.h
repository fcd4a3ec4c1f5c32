// SPDX-License-Identifier: Apache-2.0
//
// Runs a program as a child and is, to everybody outside, that program: what needs doing after its end can
// then be done.
//
// Law: the program's standard streams, process group, terminal, ignored signals and signal mask are the ones
// that it would have without a supervisor. A signal to the supervisor reaches the program once; when the
// program stops, so does the supervisor; when it is continued, so is the program; when the supervisor is
// killed, so is the program. What cannot be hidden: the program's parent is the supervisor.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace ibid::cli {

struct ending {
    int supervision_error = 0; // errno, when there is no process to be had; nothing has changed then
    int exec_error = 0;        // errno, when the program could not be run at all
    int status = 0;            // as waitpid gives it
};

// Runs `command` (found along PATH, with this process's environment) to its end. `keep_open` are descriptors
// of the supervisor's own; all others above standard error are closed in the supervisor while the program
// runs.
[[nodiscard]] ending supervise(const std::vector<std::string>& command, const std::vector<int>& keep_open);

// Ends this process as the program ended: with its exit status, or by the same signal (without a second core
// file).
[[noreturn]] void end_as(int status);

// argv for exec.
[[nodiscard]] std::vector<char*> pointers_to(const std::vector<std::string>& command);

} // namespace ibid::cli
