// SPDX-License-Identifier: Apache-2.0
//
// Distinguishes a signal sent only to the supervisor from a signal sent to its whole process group.
//
// A program and its supervisor share a process group, so that pipelines, the terminal and the shell's job
// control work as they do without a supervisor. A signal to the group (Ctrl-C, `kill %1`) then reaches the
// program directly; forwarding it would deliver it twice. A signal to the supervisor's PID must be forwarded.
// The kernel does not say which of the two it was. So the group contains a third process with all signals
// blocked: a signal that is pending there was sent to the group.
//
// Law: the holder is asked after the supervisor got the signal. The kernel signals a group's members from
// the newest to the oldest, so the holder, which is younger than the supervisor, has the signal by then;
// other kernels keep no order, so it also waits for a moment. Asking raises no signal in the supervisor, also
// when the holder is dead: the supervisor would take it for one that the program is to get.
#pragma once

#include <sys/types.h>

namespace ibid::cli {

class group_holder {
public:
    // Forks. All signals must be blocked. Without a holder (the fork failed, or it died) every signal counts
    // as sent only to the supervisor.
    group_holder();
    group_holder(const group_holder&) = delete;
    group_holder& operator=(const group_holder&) = delete;
    ~group_holder();

    // Whether the group was sent `signal` since this was last asked.
    [[nodiscard]] bool saw(int signal);

    // The descriptor in this process that it needs; negative: none.
    [[nodiscard]] int fd() const { return fd_; }

private:
    pid_t pid_ = -1;
    int fd_ = -1;          // sends a signal's number, receives 1 or 0
    bool is_lost_ = false; // it gave no answer once
};

} // namespace ibid::cli
