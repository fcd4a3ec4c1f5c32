// SPDX-License-Identifier: Apache-2.0
//
// Standard output as a place to write for a person.
#include "cli/terminal.h"

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <ctime>

#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli {
namespace {

std::string_view variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

sigset_t ending_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int s : {SIGINT, SIGTERM, SIGHUP})
        ::sigaddset(&set, s);
    return set;
}

} // namespace

bool has_colours() {
    static const bool has =
        ::isatty(STDOUT_FILENO) == 1 && variable("NO_COLOR").empty() && variable("TERM") != "dumb";
    return has;
}

std::string paint(colour c, std::string_view text) {
    if (!has_colours())
        return std::string(text);
    const int code = c == colour::good ? 32 : c == colour::bad ? 31 : c == colour::faint ? 2 : 1;
    return fmt::format("\033[{}m{}\033[0m", code, text);
}

terminal_size size_of_terminal() {
    winsize w{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row > 0 && w.ws_col > 0)
        return {w.ws_row, w.ws_col};
    return {};
}

own_screen::own_screen() : terminal_(::isatty(STDOUT_FILENO) == 1 && variable("TERM") != "dumb") {
    // Blocked, and taken in wait(): the screen is put back before the end.
    const sigset_t set = ending_signals();
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    if (terminal_)
        fmt::print("\033[?1049h\033[?25l"); // alternate screen, no cursor
}

own_screen::~own_screen() {
    if (terminal_)
        fmt::print("\033[?25h\033[?1049l");
    std::fflush(stdout);
}

void own_screen::show(const std::string& text) const {
    if (!terminal_) {
        fmt::print("{}\n", text);
        std::fflush(stdout);
        return;
    }
    std::string frame = "\033[H";
    int rows = size_of_terminal().rows;
    std::string_view rest = text;
    while (!rest.empty() && rows-- > 0) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : line.size());
        frame += fmt::format("{}\033[K{}", line, rows > 0 ? "\r\n" : "");
    }
    fmt::print("{}\033[J", frame);
    std::fflush(stdout);
}

bool own_screen::wait(double seconds) const {
    const sigset_t set = ending_signals();
    timespec time{};
    time.tv_sec = static_cast<time_t>(seconds);
    time.tv_nsec = static_cast<long>((seconds - std::floor(seconds)) * 1e9);
    return ::sigtimedwait(&set, nullptr, &time) < 0;
}

} // namespace ibid::cli
