// SPDX-License-Identifier: Apache-2.0
//
// The process that distinguishes signals to a process group from signals to one process. See group_holder.h
// for its law.
#include "cli/run/group_holder.h"

#include "cli/run/descriptors.h"

#include <cerrno>
#include <csignal>
#include <ctime>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
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

[[noreturn]] void be_holder(int supervisor) {
    ::prctl(PR_SET_NAME, "ibid-holder");
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // Closes everything that belongs to the program; otherwise the reader of a pipe would wait for this
    // process.
    if (::dup2(supervisor, 0) < 0)
        ::_exit(1);
    close_all(1, ~0U);
    for (unsigned char signal = 0; ::read(0, &signal, 1) == 1;) {
        const unsigned char seen = take(signal) ? 1 : 0;
        if (::send(0, &seen, 1, MSG_NOSIGNAL) != 1)
            break;
    }
    ::_exit(0);
}

} // namespace

group_holder::group_holder() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return;
    pid_ = ::fork();
    if (pid_ == 0) {
        ::close(ends[1]);
        be_holder(ends[0]);
    }
    ::close(ends[0]);
    fd_ = above_standard_streams(ends[1]);
}

group_holder::~group_holder() {
    if (fd_ >= 0)
        ::close(fd_);
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL); // it may be stopped
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
}

bool group_holder::saw(int signal) {
    if (pid_ <= 0 || is_lost_)
        return false;
    // A holder that does not answer is never asked again. The holder alone may have been stopped; the
    // program's signals must not wait for ever. The time is long enough for a busy machine.
    constexpr int patience = 3000; // milliseconds
    const auto number = static_cast<unsigned char>(signal);
    pollfd ready{fd_, POLLIN, 0};
    unsigned char seen = 0;
    is_lost_ = ::send(fd_, &number, 1, MSG_NOSIGNAL) != 1 || ::poll(&ready, 1, patience) != 1 ||
               ::read(fd_, &seen, 1) != 1;
    if (is_lost_)
        ::kill(pid_, SIGKILL); // reaped at the end
    return !is_lost_ && seen != 0;
}

} // namespace ibid::cli
