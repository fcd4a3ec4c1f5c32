// SPDX-License-Identifier: Apache-2.0
//
// Tells a signal that was sent to the supervisor alone from one that was sent to its whole process group.
//
// A program and its supervisor share a process group, so that pipelines, the terminal and the shell's job
// control work as they do without a supervisor. A signal to the group (Ctrl-C, `kill %1`) then reaches the
// program by itself; to pass it on would deliver it twice. A signal to the supervisor's PID alone must be
// passed on. The kernel does not say which of the two it was. So a third process sits in the group with all
// signals blocked: whatever is pending there came to the group.
//
// Law: the holder is asked after the supervisor got the signal. The kernel signals a group's members from
// the newest to the oldest, so the holder, which is younger than the supervisor, has the signal by then;
// other kernels keep no order, so it also waits for a moment.
#pragma once

#include <sys/types.h>

namespace ibid::cli {

class group_holder {
public:
    // Forks. All signals must be blocked. Without a holder (no process could be made) every signal counts as
    // sent to the supervisor alone.
    group_holder();
    group_holder(const group_holder&) = delete;
    group_holder& operator=(const group_holder&) = delete;
    ~group_holder();

    // Whether the group was sent `signal` since this was last asked.
    [[nodiscard]] bool saw(int signal);

    // The descriptors that it needs in this process.
    [[nodiscard]] int request_fd() const { return request_; }
    [[nodiscard]] int answer_fd() const { return answer_; }

private:
    pid_t pid_ = -1;
    int request_ = -1; // a signal's number goes out
    int answer_ = -1;  // 1 or 0 comes back
};

} // namespace ibid::cli
