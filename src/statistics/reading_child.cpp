// SPDX-License-Identifier: Apache-2.0
//
// See reading_child.h.
#include "statistics/reading_child.h"

#include "statistics/process_stat.h"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ibid::shared_statistics {
namespace {

constexpr std::uint32_t largest_answer = std::uint32_t{256} << 20; // the limit for one answer

// Killed, and not yet reaped.
std::vector<pid_t>& late_children() {
    static std::vector<pid_t> all;
    return all;
}

// Whether it is runnable: on a busy host, waiting for a processor is no reason to give it up.
bool wants_to_run(pid_t pid) {
    const std::optional<process_stat> s = read_process_stat(pid);
    return s && s->state == 'R';
}

bool is_reaped(pid_t pid) {
    pid_t got = 0;
    do
        got = ::waitpid(pid, nullptr, WNOHANG);
    while (got < 0 && errno == EINTR);
    return got != 0; // reaped, or not our child (any more)
}

// Closes all descriptors except the standard ones and `kept`.
void close_descriptors(int kept) {
#ifdef SYS_close_range
    if (::syscall(SYS_close_range, 3U, static_cast<unsigned>(kept) - 1, 0U) == 0 || kept == 3) {
        if (::syscall(SYS_close_range, static_cast<unsigned>(kept) + 1, ~0U, 0U) == 0)
            return;
    }
#endif
    const long most = ::sysconf(_SC_OPEN_MAX);
    for (int fd = 3; fd < (most > 0 && most < 65536 ? most : 65536); ++fd) {
        if (fd != kept)
            ::close(fd);
    }
}

[[noreturn]] void be_the_child(int to, pid_t parent,
                               const std::function<void(reading_child::answers&)>& work) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent)
        std::_Exit(1); // it ended before that
    close_descriptors(to);
    // Resets signal handlers, because the parent's handlers restore the parent's terminal.
    for (const int s : {SIGINT, SIGTERM, SIGHUP})
        ::signal(s, SIG_IGN);
    ::signal(SIGPIPE, SIG_DFL);
    try {
        reading_child::answers out(to);
        work(out);
    } catch (...) {
        std::_Exit(1);
    }
    std::_Exit(0);
}

} // namespace

void reading_child::answers::send(const std::string& one) const {
    const auto put = [this](const char* from, std::size_t bytes) {
        while (bytes != 0) {
            const ssize_t n = ::write(to_, from, bytes);
            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0)
                std::_Exit(1);
            from += n;
            bytes -= static_cast<std::size_t>(n);
        }
    };
    if (one.size() > largest_answer)
        std::_Exit(1);
    const auto size = static_cast<std::uint32_t>(one.size());
    char head[sizeof(size)];
    __builtin_memcpy(head, &size, sizeof(size));
    put(head, sizeof(head));
    put(one.data(), one.size());
}

reading_child::reading_child(const std::function<void(answers&)>& work) {
    int ends[2];
    if (left_behind() >= 64) {
        late_ = true;
        return;
    }
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        not_started_ = errno;
        late_ = true;
        return;
    }
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0)
        be_the_child(ends[1], parent, work);
    not_started_ = pid_ < 0 ? errno : 0;
    ::close(ends[1]);
    from_ = ends[0];
    if (pid_ < 0) {
        late_ = true;
        end();
    }
}

reading_child::~reading_child() {
    end();
}

void reading_child::end() {
    if (from_ >= 0)
        ::close(from_);
    from_ = -1;
    if (pid_ <= 0)
        return;
    ::kill(pid_, SIGKILL);
    for (int i = 0; i < 50 && !is_reaped(pid_); ++i) {
        if (i == 49)
            late_children().push_back(pid_);
        ::poll(nullptr, 0, i < 10 ? 0 : 1);
    }
    pid_ = -1;
}

bool reading_child::take(char* to, std::size_t bytes, deadline& limit) {
    while (bytes != 0) {
        const auto time = std::chrono::ceil<std::chrono::milliseconds>(limit.until - clock::now()).count();
        pollfd input{from_, POLLIN, 0};
        const int ready = ::poll(&input, 1, time > 0 ? static_cast<int>(time) : 0);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0) {
            if (limit.until < limit.at_most && wants_to_run(pid_)) {
                limit.until = clock::now() + std::chrono::milliseconds(50);
                continue;
            }
            late_ = true;
            return false;
        }
        const ssize_t n = ::read(from_, to, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        to += n;
        bytes -= static_cast<std::size_t>(n);
    }
    return true;
}

std::optional<std::string> reading_child::next(clock::duration time) {
    if (from_ < 0)
        return std::nullopt;
    deadline limit{clock::now() + time, clock::now() + 10 * time};
    std::uint32_t size = 0;
    std::string one;
    char head[sizeof(size)];
    if (take(head, sizeof(head), limit)) {
        __builtin_memcpy(&size, head, sizeof(size));
        if (size <= largest_answer) {
            one.resize(size);
            if (take(one.data(), one.size(), limit))
                return one;
        }
    } else if (!late_) { // the end; the child has ended, or is about to
        int status = 0;
        pid_t got = 0;
        do
            got = ::waitpid(pid_, &status, 0);
        while (got < 0 && errno == EINTR);
        ended_ = got == pid_ && WIFEXITED(status) && WEXITSTATUS(status) == 0;
        pid_ = -1;
    }
    end();
    return std::nullopt;
}

std::size_t reading_child::left_behind() {
    std::erase_if(late_children(), is_reaped);
    return late_children().size();
}

std::optional<std::string> read_in_time(const std::string& path, std::size_t most) {
    reading_child c([&path, most](reading_child::answers& out) {
        const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (file < 0)
            return;
        std::string text;
        std::vector<char> piece(std::size_t{64} * 1024);
        for (ssize_t n = 0; text.size() < most && (n = ::read(file, piece.data(), piece.size())) > 0;)
            text.append(piece.data(), static_cast<std::size_t>(n));
        out.send(text);
    });
    return c.next(std::chrono::seconds(1));
}

} // namespace ibid::shared_statistics
