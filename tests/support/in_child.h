// SPDX-License-Identifier: Apache-2.0
//
// Runs a function in a forked child: for tests of fork(), and for tests that need their own process.
#pragma once

#if !defined(_WIN32) // which has no fork()

#include <cerrno>

#include <sys/wait.h>
#include <unistd.h>

namespace ibid::testing {

// Runs `f`, which returns an exit status, in a child. Returns that status, or minus the signal that ended the
// child; SIGALRM ends a child that hangs. -1000: there was no child.
template <class F>
[[nodiscard]] int in_child(F f, unsigned patience_in_seconds = 60) {
    const pid_t child = fork();
    if (child == 0) {
        alarm(patience_in_seconds);
        _exit(static_cast<int>(f()));
    }
    int status = 0;
    pid_t ended = -1;
    do {
        ended = waitpid(child, &status, 0);
    } while (ended < 0 && errno == EINTR);
    if (child < 0 || ended != child) {
        return -1000;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

} // namespace ibid::testing

#endif
