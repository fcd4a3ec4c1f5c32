// SPDX-License-Identifier: Apache-2.0
//
// Runs a program as a child and behaves to other processes like that program, so that something can be done
// after the program's end.
//
// Law: the program's standard streams, process group, terminal, ignored signals and signal mask are the ones
// that it would have without a supervisor. A signal to the supervisor reaches the program once; when the
// program stops, so does the supervisor; when it is continued, so is the program; when the supervisor is
// killed, so is the program. One difference is visible: the program's parent is the supervisor.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace ibid::cli {

struct ending {
    int supervision_error = 0; // errno if no process could be created; then nothing has changed
    int exec_error = 0;        // errno if the program could not be executed
    int status = 0;            // as waitpid gives it
};

// Runs `command` (found along PATH, with this process's environment) to its end. `keep_open` are descriptors
// of the supervisor's own; all others above standard error are closed in the supervisor while the program
// runs.
[[nodiscard]] ending supervise(const std::vector<std::string>& command, const std::vector<int>& keep_open);

// Ends this process like the program: with its exit status, or by the same signal (without a second core
// file).
[[noreturn]] void end_as(int status);

// argv for exec.
[[nodiscard]] std::vector<char*> pointers_to(const std::vector<std::string>& command);

} // namespace ibid::cli
