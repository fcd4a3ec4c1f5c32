// SPDX-License-Identifier: Apache-2.0
//
// The process that distinguishes signals to a process group from signals to one process. See group_holder.h
// for its law.
#include "cli/run/group_holder.h"

#include "cli/run/descriptors.h"

#include <cerrno>
#include <csignal>
#include <ctime>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ibid::cli {
namespace {

// Removes the signal from the pending ones. Returns whether it was pending, or arrived within a moment: a
// kernel signals the members of a group one after another, and the supervisor may ask before this process is
// signalled.
bool take(int signal) {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, signal);
    const timespec in_the_same_breath{0, 50'000'000};
    return ::sigtimedwait(&set, nullptr, &in_the_same_breath) == signal;
}

[[noreturn]] void be_holder(int request, int answer) {
    ::prctl(PR_SET_NAME, "ibid-holder");
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // Closes everything that belongs to the program; otherwise the reader of a pipe would wait for this
    // process.
    if (::dup2(request, 0) < 0 || ::dup2(answer, 1) < 0)
        ::_exit(1);
    close_all(2, ~0U);
    for (unsigned char signal = 0; ::read(0, &signal, 1) == 1;) {
        const unsigned char seen = take(signal) ? 1 : 0;
        if (::write(1, &seen, 1) != 1)
            break;
    }
    ::_exit(0);
}

} // namespace

group_holder::group_holder() {
    int request[2];
    int answer[2];
    if (::pipe2(request, O_CLOEXEC) != 0)
        return;
    if (::pipe2(answer, O_CLOEXEC) != 0) {
        ::close(request[0]);
        ::close(request[1]);
        return;
    }
    pid_ = ::fork();
    if (pid_ == 0) {
        ::close(request[1]);
        ::close(answer[0]);
        // Moved away from 0 and 1, which they will replace.
        be_holder(::fcntl(request[0], F_DUPFD, 10), ::fcntl(answer[1], F_DUPFD, 10));
    }
    ::close(request[0]);
    ::close(answer[1]);
    request_ = above_standard_streams(request[1]);
    answer_ = above_standard_streams(answer[0]);
}

group_holder::~group_holder() {
    if (request_ >= 0)
        ::close(request_);
    if (answer_ >= 0)
        ::close(answer_);
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL); // it may be stopped
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
}

bool group_holder::saw(int signal) {
    const auto number = static_cast<unsigned char>(signal);
    if (pid_ <= 0 || ::write(request_, &number, 1) != 1)
        return false;
    // The holder alone may have been stopped; the program's signals must not wait for ever. The time is long
    // enough for a busy machine.
    pollfd ready{answer_, POLLIN, 0};
    unsigned char seen = 0;
    if (::poll(&ready, 1, 3000) != 1 || ::read(answer_, &seen, 1) != 1) {
        ::kill(pid_, SIGKILL);
        return false;
    }
    return seen != 0;
}

} // namespace ibid::cli
