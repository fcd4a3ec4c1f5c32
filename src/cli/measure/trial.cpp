// SPDX-License-Identifier: Apache-2.0
//
// See trial.h.
#include "cli/measure/trial.h"

#include "cli/base/words.h"
#include "cli/measure/ports.h"
#include "cli/programs/process.h"
#include "cli/run/supervise.h"
#include "statistics/every_process.h"
#include "statistics/process_stat.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <string_view>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli::measure {
namespace {

using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto step = 20ms;      // from sample to sample
constexpr auto patience = 30s;   // until the program listens
constexpr auto last_words = 10s; // from SIGTERM to SIGKILL

// The last signal that asked this command to end. Until its processes have ended, it stays.
volatile std::sig_atomic_t interrupted = 0;
volatile std::sig_atomic_t times_interrupted = 0;

// Takes note of signals that would end this command, and leaves ignored ones (nohup) alone.
class noted_signals {
public:
    noted_signals() {
        for (std::size_t i = 0; i < std::size(all); ++i) {
            struct sigaction now {};
            ::sigaction(all[i], nullptr, &before_[i]);
            now.sa_handler = [](int signal) {
                interrupted = signal;
                times_interrupted = times_interrupted + 1;
            };
            if (before_[i].sa_handler != SIG_IGN)
                ::sigaction(all[i], &now, nullptr);
        }
    }
    noted_signals(const noted_signals&) = delete;
    noted_signals& operator=(const noted_signals&) = delete;
    ~noted_signals() {
        for (std::size_t i = 0; i < std::size(all); ++i)
            ::sigaction(all[i], &before_[i], nullptr);
    }

private:
    static constexpr int all[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction before_[std::size(all)]{};
};

// What a child writes, without holding the child up: the last part of it.
class output {
public:
    output() {
        if (::pipe2(ends_, O_CLOEXEC) != 0)
            return;
        ::fcntl(ends_[1], F_SETPIPE_SZ, 1 << 20); // a fast writer, or as it is
        ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
    }
    output(const output&) = delete;
    output& operator=(const output&) = delete;
    ~output() {
        for (const int end : ends_)
            close(end);
    }

    [[nodiscard]] int writer() const { return ends_[1]; }
    void started() { close(std::exchange(ends_[1], -1)); }

    // Takes what comes within this time.
    void take_for(std::chrono::milliseconds time) {
        const auto limit = clock::now() + time;
        for (auto left = time; left > 0ms;
             left = std::chrono::duration_cast<std::chrono::milliseconds>(limit - clock::now())) {
            if (!take(left)) {
                std::this_thread::sleep_for(limit - clock::now());
                return;
            }
        }
    }
    // Takes what is there.
    void take_rest() {
        while (take(0ms)) {
        }
    }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    static constexpr std::size_t enough = 1 << 18;

    static void close(int fd) {
        if (fd >= 0)
            ::close(fd);
    }
    // False at the end, or if nothing has come.
    bool take(std::chrono::milliseconds time) {
        pollfd ready{ends_[0], POLLIN, 0};
        std::array<char, 65536> part{};
        if (ends_[0] < 0 || ::poll(&ready, 1, static_cast<int>(time.count())) <= 0)
            return false;
        const ssize_t n = ::read(ends_[0], part.data(), part.size());
        if (n <= 0)
            return false;
        text_.append(part.data(), static_cast<std::size_t>(n));
        if (text_.size() > 2 * enough)
            text_.erase(0, text_.size() - enough);
        return true;
    }

    int ends_[2] = {-1, -1};
    std::string text_;
};

std::string last_line_of(std::string_view text) {
    const std::size_t end = text.find_last_not_of(" \t\r\n");
    if (end == std::string_view::npos)
        return {};
    text = text.substr(0, end + 1);
    return legible(text.substr(text.find_last_of('\n') + 1));
}

double seconds_of(const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}

// The descendants of this process, except `without` and its descendants.
std::vector<pid_t> descendants(pid_t without) {
    std::multimap<pid_t, pid_t> children;
    for (const pid_t pid : shared_statistics::every_process()) {
        if (const auto s = shared_statistics::read_process_stat(pid))
            children.emplace(s->parent, pid);
    }
    std::vector<pid_t> found{::getpid()};
    for (std::size_t i = 0; i < found.size(); ++i) {
        const auto [first, last] = children.equal_range(found[i]);
        for (auto at = first; at != last; ++at) {
            if (at->second != without)
                found.push_back(at->second);
        }
    }
    found.erase(found.begin());
    return found;
}

double private_dirty(const std::vector<pid_t>& pids) {
    double bytes = 0;
    for (const pid_t pid : pids) {
        std::ifstream file(fmt::format("/proc/{}/smaps_rollup", pid));
        for (std::string line; std::getline(file, line);) {
            if (line.starts_with("Private_Dirty:"))
                bytes += std::strtod(line.c_str() + std::strlen("Private_Dirty:"), nullptr) * 1024;
        }
    }
    return bytes;
}

// `out`: where its output goes; -1: nowhere. If it cannot be started: -1, and `why`, for a person. A program
// that runs may end with 126 or 127, too.
pid_t start(const std::vector<std::string>& command, std::string& why, int out = -1) {
    const pid_t parent = ::getpid();
    int ends[2]; // closed by execve, or written to
    const pid_t pid = ::pipe2(ends, O_CLOEXEC) != 0 ? -1 : ::fork();
    if (pid < 0) {
        why = why_no_child(errno);
        return -1;
    }
    if (pid > 0) {
        ::close(ends[1]);
        int error = 0;
        ssize_t n = 0;
        while ((n = ::read(ends[0], &error, sizeof(error))) < 0 && errno == EINTR) {
        }
        ::close(ends[0]);
        if (n != sizeof(error))
            return pid;
        why = fmt::format("{} cannot be run: {}", command[0], std::strerror(error));
        ::waitpid(pid, nullptr, 0);
        return -1;
    }
    ::setpgid(0, 0);
    // If this command is killed, it cannot end its processes itself.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent)
        ::_exit(126);
    const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    ::dup2(nowhere, STDIN_FILENO);
    ::dup2(out < 0 ? nowhere : out, STDOUT_FILENO);
    ::dup2(out < 0 ? nowhere : out, STDERR_FILENO);
    ::execvp(command[0].c_str(), pointers_to(command).data());
    const int error = errno;
    static_cast<void>(!::write(ends[1], &error, sizeof(error)));
    ::_exit(127);
}

int as_a_shell(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// The end of a child, told at once. Before Linux 5.3: not told.
class process_end {
public:
    explicit process_end(pid_t child) : fd_(static_cast<int>(::syscall(SYS_pidfd_open, child, 0))) {}
    process_end(const process_end&) = delete;
    process_end& operator=(const process_end&) = delete;
    ~process_end() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    void wait_for(std::chrono::milliseconds most) const {
        pollfd end{fd_, POLLIN, 0};
        ::poll(&end, 1, static_cast<int>(most.count())); // a negative descriptor is passed over
    }

private:
    int fd_;
};

// The processes of one trial. This process is their parent or, after their parent has ended, their subreaper.
class family {
public:
    explicit family(trial& result) : result_(result) {}

    // Reaps processes that have ended. Returns whether `awaited` is among them, with its status.
    bool reap(pid_t awaited, pid_t not_counted, int& status) {
        rusage used{};
        int end = 0;
        bool is_over = false;
        for (pid_t pid = 0; (pid = ::wait4(-1, &end, WNOHANG, &used)) > 0;) {
            if (pid != not_counted)
                result_.cpu += seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
            if (pid == awaited) {
                status = end;
                is_over = true;
            }
        }
        return is_over;
    }

    void sample(pid_t not_counted) {
        result_.memory = std::max(result_.memory, private_dirty(descendants(not_counted)));
    }
    void sample_before() { result_.memory_before = private_dirty(descendants(0)); }

    void end() {
        const auto limit = clock::now() + last_words;
        int ignored = 0;
        for (int signal = SIGTERM;;) {
            const std::vector<pid_t> left = descendants(0);
            if (left.empty())
                return;
            for (const pid_t pid : left)
                ::kill(pid, signal);
            signal = clock::now() > limit || times_interrupted > 1 ? SIGKILL : 0;
            std::this_thread::sleep_for(step);
            reap(-1, -1, ignored);
        }
    }

private:
    trial& result_;
};

} // namespace

trial run_trial(const trial_request& r) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    trial result;
    if (r.until && look_at_port(*r.until).listens) {
        result.failed =
            fmt::format("another program listens on port {} already, and the load would go to it: end it, or "
                        "let this one listen on another port",
                        *r.until);
        return result;
    }
    const noted_signals noted;
    family all(result);
    const auto fail = [&](const std::string& why) {
        all.end();
        result.failed = why;
        result.interrupted = interrupted;
        return result;
    };
    std::string why;
    const auto start_of_program = clock::now();
    const pid_t program = start(r.command, why);
    if (program < 0)
        return fail(why);
    int status = 0;
    if (r.load.empty()) {
        const process_end end(program);
        while (!all.reap(program, -1, status)) {
            if (interrupted != 0)
                return fail("it was interrupted");
            all.sample(-1);
            end.wait_for(clock::now() - start_of_program < 1s ? step / 4 : step);
        }
        result.seconds = std::chrono::duration<double>(clock::now() - start_of_program).count();
        result.status = as_a_shell(status);
        all.end();
        return result;
    }
    const auto limit = clock::now() + (r.until ? patience : std::chrono::seconds(1));
    while (!(r.until && look_at_port(*r.until).listens)) {
        if (interrupted != 0)
            return fail("it was interrupted");
        if (all.reap(program, -1, status) && (as_a_shell(status) != 0 || !r.until))
            return fail(fmt::format(
                "the program ended with status {} before the load began; {}", as_a_shell(status),
                as_a_shell(status) == 0
                    ? "if it goes on in the background, name the port that it listens on: --until PORT"
                    : "run it by itself to see why"));
        if (r.until && descendants(-1).empty() && !look_at_port(*r.until).listens)
            return fail(fmt::format(
                "the program ended, and nothing listens on port {}; run it by itself to see why", *r.until));
        if (clock::now() > limit) {
            if (!r.until)
                break; // no port was given
            return fail(fmt::format("nothing listened on TCP port {} within {} s", *r.until,
                                    std::chrono::seconds(patience).count()));
        }
        std::this_thread::sleep_for(step);
    }
    all.sample_before();
    output said;
    const auto begin = clock::now();
    const pid_t load = start({"/bin/sh", "-c", r.load}, why, said.writer());
    if (load < 0)
        return fail(why);
    said.started();
    for (unsigned turn = 0; !all.reap(load, load, status); ++turn) {
        if (interrupted != 0)
            return fail("it was interrupted");
        if (r.until && turn % 8 == 0) // the table is long where there are many connections
            result.connections = std::max(result.connections, look_at_port(*r.until).connections);
        all.sample(load);
        said.take_for(step);
    }
    result.seconds = std::chrono::duration<double>(clock::now() - begin).count();
    result.status = as_a_shell(status);
    said.take_rest();
    result.latencies = latencies_in(said.text());
    result.last_line = last_line_of(said.text());
    all.sample(-1);
    all.end();
    result.interrupted = interrupted;
    return result;
}

} // namespace ibid::cli::measure
