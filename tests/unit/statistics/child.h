// SPDX-License-Identifier: Apache-2.0
//
// A child process, for tests of counters that another process reads: it runs a function, reports that, and
// waits for its end.
//
//     child c([&] { count_something(); });
//     c.wait_until_done();   // the function has returned; the child still exists
//     c.let_go();            // it ends, and is reaped
#pragma once

#include <cerrno>
#include <csignal>
#include <functional>
#include <stdexcept>

#include <sys/wait.h>
#include <unistd.h>

namespace ibid::testing {

class child {
public:
    explicit child(const std::function<void()>& work) {
        if (::pipe(done_) != 0 || ::pipe(go_) != 0)
            throw std::runtime_error("pipe");
        pid_ = ::fork();
        if (pid_ == 0) {
            ::close(done_[0]);
            ::close(go_[1]);
            work();
            const char byte = 1;
            char end = 0;
            if (::write(done_[1], &byte, 1) != 1 || ::read(go_[0], &end, 1) < 0)
                ::_exit(1);
            ::_exit(0);
        }
        ::close(done_[1]);
        ::close(go_[0]);
    }
    child(const child&) = delete;
    child& operator=(const child&) = delete;
    ~child() {
        let_go();
        ::close(done_[0]);
    }

    [[nodiscard]] pid_t pid() const { return pid_; }

    void wait_until_done() {
        char byte = 0;
        if (::read(done_[0], &byte, 1) != 1)
            throw std::runtime_error("the child died");
    }
    int let_go() {
        if (pid_ <= 0)
            return 0;
        // A byte, not the end of the pipe, because children that are made later hold copies of this end.
        const char byte = 1;
        if (::write(go_[1], &byte, 1) != 1)
            ::kill(pid_, SIGKILL);
        ::close(go_[1]);
        return reap();
    }
    int kill() {
        ::kill(pid_, SIGKILL);
        ::close(go_[1]);
        return reap();
    }

private:
    int reap() {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = 0;
        return status;
    }

    pid_t pid_ = 0;
    int done_[2] = {-1, -1};
    int go_[2] = {-1, -1};
};

} // namespace ibid::testing
