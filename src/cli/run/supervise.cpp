// SPDX-License-Identifier: Apache-2.0
//
// Behaves like the supervised program to other processes. See supervise.h for the law.
#include "cli/run/supervise.h"

#include "cli/run/descriptors.h"
#include "cli/run/group_holder.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ibid::cli {
namespace {

// Signal state that a program inherits and must find as it was.
struct inherited {
    sigset_t mask{};
    struct sigaction child {};
};

// Blocks all signals, so that they wait for sigwaitinfo. This includes ignored signals, because a blocked
// signal stays pending. Sets SIGCHLD to its default action, because if it is ignored the child's status is
// lost.
inherited take_over_signals() {
    inherited before;
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, &before.mask);
    struct sigaction plain {};
    plain.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &plain, &before.child);
    return before;
}

void give_back(const inherited& before) {
    ::sigaction(SIGCHLD, &before.child, nullptr);
    ::sigprocmask(SIG_SETMASK, &before.mask, nullptr);
}

[[noreturn]] void be_program(const std::vector<std::string>& command, const inherited& before,
                             pid_t supervisor, int failed) {
    // Killing the supervisor kills the program, as if there were only one process.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != supervisor)
        ::_exit(1);
    give_back(before);
    ::execvp(command[0].c_str(), pointers_to(command).data());
    const int error = errno;
    if (::write(failed, &error, sizeof(error)) < 0)
        ::_exit(126);
    ::_exit(127);
}

// Closes inherited descriptors: a pipe's reader waits until all writers have closed it, and only the program
// should decide that. Standard error stays open for the summary.
void hold_nothing_open(std::vector<int> keep) {
    if (const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC); null >= 0) {
        ::dup2(null, 0);
        ::dup2(null, 1);
        if (null > 2)
            ::close(null);
    }
    std::sort(keep.begin(), keep.end());
    unsigned next = 3;
    for (const int fd : keep) {
        if (fd < static_cast<int>(next))
            continue;
        if (static_cast<unsigned>(fd) > next)
            close_all(next, static_cast<unsigned>(fd) - 1);
        next = static_cast<unsigned>(fd) + 1;
    }
    close_all(next, ~0U);
}

// Stops this process by the signal that stopped the program. Returns when it is continued.
void stop_by(int signal) {
    struct sigaction plain {};
    struct sigaction before {};
    plain.sa_handler = SIG_DFL;
    ::sigaction(signal, &plain, &before);
    ::kill(::getpid(), signal);
    sigset_t one;
    ::sigemptyset(&one);
    ::sigaddset(&one, signal);
    ::sigprocmask(SIG_UNBLOCK, &one, nullptr); // here it stops
    ::sigprocmask(SIG_BLOCK, &one, nullptr);
    ::sigaction(signal, &before, nullptr);
}

// Whether this process caused the signal by what it did itself. For a write that failed (SIGPIPE, SIGXFSZ)
// the kernel names the writer as the sender. A limit or timer of CPU time was inherited, and here it measures
// this process; the program has its own limit. An alarm is passed on, because exec keeps it: it was set for
// the program.
bool is_own(const siginfo_t& info) {
    if (info.si_code == SI_USER)
        return info.si_pid == ::getpid();
    return info.si_code == SI_KERNEL &&
           (info.si_signo == SIGXCPU || info.si_signo == SIGPROF || info.si_signo == SIGVTALRM);
}

void pass_on(const siginfo_t& info, pid_t program) {
    if (info.si_code == SI_QUEUE)
        ::sigqueue(program, info.si_signo, info.si_value);
    else
        ::kill(program, info.si_signo);
}

int wait_for(pid_t program, group_holder& holder) {
    sigset_t all;
    ::sigfillset(&all);
    for (;;) {
        siginfo_t info{};
        const int signal = ::sigwaitinfo(&all, &info);
        if (signal < 0)
            continue;
        if (signal != SIGCHLD) {
            if (!is_own(info) && !holder.saw(signal))
                pass_on(info, program);
            continue;
        }
        // One SIGCHLD may stand for several changes.
        int status = 0;
        while (::waitpid(program, &status, WNOHANG | WUNTRACED) == program) {
            if (!WIFSTOPPED(status))
                return status;
            stop_by(WSTOPSIG(status));
        }
    }
}

} // namespace

std::vector<char*> pointers_to(const std::vector<std::string>& command) {
    std::vector<char*> pointers;
    pointers.reserve(command.size() + 1);
    for (const std::string& word : command)
        pointers.push_back(const_cast<char*>(word.c_str())); // exec does not write to it
    pointers.push_back(nullptr);
    return pointers;
}

ending supervise(const std::vector<std::string>& command, const std::vector<int>& keep_open) {
    const inherited before = take_over_signals();
    group_holder holder;
    int failed[2];
    if (::pipe2(failed, O_CLOEXEC) != 0) {
        const int error = errno;
        give_back(before);
        return {.supervision_error = error};
    }
    const pid_t self = ::getpid();
    const pid_t program = ::fork();
    if (program < 0) {
        const int error = errno;
        give_back(before);
        return {.supervision_error = error};
    }
    if (program == 0)
        be_program(command, before, self, failed[1]);
    ::close(failed[1]);

    int error = 0;
    if (::read(failed[0], &error, sizeof(error)) == sizeof(error)) {
        ::waitpid(program, nullptr, 0);
        ::close(failed[0]);
        give_back(before);
        return {.exec_error = error};
    }
    std::vector<int> keep = keep_open;
    keep.push_back(holder.fd());
    hold_nothing_open(std::move(keep));
    return {.status = wait_for(program, holder)};
}

void end_as(int status) {
    if (WIFSIGNALED(status)) {
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_CORE, &none);
        const int signal = WTERMSIG(status);
        struct sigaction plain {};
        plain.sa_handler = SIG_DFL;
        ::sigaction(signal, &plain, nullptr);
        ::kill(::getpid(), signal);
        sigset_t one;
        ::sigemptyset(&one);
        ::sigaddset(&one, signal);
        ::sigprocmask(SIG_UNBLOCK, &one, nullptr);
        ::_exit(128 + signal);
    }
    ::_exit(WEXITSTATUS(status));
}

} // namespace ibid::cli
