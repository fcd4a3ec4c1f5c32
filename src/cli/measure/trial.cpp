// SPDX-License-Identifier: Apache-2.0
//
// See trial.h.
#include "cli/measure/trial.h"

#include "cli/supervise.h"
#include "statistics/every_process.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
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

double seconds_of(const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}

// The descendants of this process, except `without` and its descendants.
std::vector<pid_t> descendants(pid_t without) {
    std::multimap<pid_t, pid_t> children;
    for (const pid_t pid : shared_statistics::every_process()) {
        std::ifstream file(fmt::format("/proc/{}/stat", pid));
        std::string text;
        std::getline(file, text, '\0');
        std::istringstream rest(text.substr(std::min(text.size(), text.rfind(')') + 1)));
        char state = 0;
        pid_t parent = 0;
        if (rest >> state >> parent)
            children.emplace(parent, pid);
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

pid_t start(const std::vector<std::string>& command) {
    const pid_t pid = ::fork();
    if (pid != 0)
        return pid;
    ::setpgid(0, 0);
    const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        ::dup2(nowhere, fd);
    ::execvp(command[0].c_str(), pointers_to(command).data());
    ::_exit(errno == ENOENT ? 127 : 126);
}

bool listens(unsigned port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool connected =
        ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0; // as the interface has it
    ::close(fd);
    return connected;
}

int as_a_shell(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

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

    void end() {
        const auto limit = clock::now() + last_words;
        int ignored = 0;
        for (int signal = SIGTERM;;) {
            const std::vector<pid_t> left = descendants(0);
            if (left.empty())
                return;
            for (const pid_t pid : left)
                ::kill(pid, signal);
            signal = clock::now() > limit ? SIGKILL : 0;
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
    family all(result);
    const auto fail = [&](const std::string& why) {
        all.end();
        result.failed = why;
        return result;
    };
    const pid_t program = start(r.command);
    if (program < 0)
        return fail(fmt::format("no further process can be created ({})", std::strerror(errno)));
    int status = 0;
    if (r.load.empty()) {
        const auto begin = clock::now();
        while (!all.reap(program, -1, status)) {
            all.sample(-1);
            std::this_thread::sleep_for(result.seconds < 1 ? step / 4 : step);
            result.seconds = std::chrono::duration<double>(clock::now() - begin).count();
        }
        result.status = as_a_shell(status);
        all.end();
        return result;
    }
    const auto limit = clock::now() + (r.until ? patience : std::chrono::seconds(1));
    while (!(r.until && listens(*r.until))) {
        if (all.reap(program, -1, status) && (as_a_shell(status) != 0 || !r.until))
            return fail(
                fmt::format("the program ended with status {} before the load began", as_a_shell(status)));
        if (r.until && descendants(-1).empty() && !listens(*r.until))
            return fail(fmt::format("the program ended, and nothing listens on port {}", *r.until));
        if (clock::now() > limit) {
            if (!r.until)
                break; // no port was given
            return fail(fmt::format("nothing listened on port {} within {} s", *r.until,
                                    std::chrono::seconds(patience).count()));
        }
        std::this_thread::sleep_for(step);
    }
    const auto begin = clock::now();
    const pid_t load = start({"/bin/sh", "-c", r.load});
    while (!all.reap(load, load, status)) {
        all.sample(load);
        std::this_thread::sleep_for(step);
    }
    result.seconds = std::chrono::duration<double>(clock::now() - begin).count();
    result.status = as_a_shell(status);
    all.sample(-1);
    all.end();
    return result;
}

} // namespace ibid::cli::measure
