// SPDX-License-Identifier: Apache-2.0
//
// See screen.h.
#include "cli/live/screen.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <ctime>

namespace ibid::cli {
namespace {

constexpr int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};

sigset_t ending_set() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int s : ending_signals)
        ::sigaddset(&set, s);
    return set;
}

timespec span_of(double seconds) {
    timespec time{};
    time.tv_sec = static_cast<time_t>(seconds);
    time.tv_nsec = static_cast<long>((seconds - std::floor(seconds)) * 1e9);
    return time;
}

} // namespace

plain_views::plain_views() {
    const sigset_t set = ending_set(); // blocked, and taken in wait()
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

bool plain_views::wait(double seconds) {
    const sigset_t set = ending_set();
    const timespec time = span_of(seconds);
    return std::ferror(stdout) == 0 && ::sigtimedwait(&set, nullptr, &time) < 0;
}

} // namespace ibid::cli

#ifdef IBID_HAS_CURSES

#include <clocale>
#include <cstdlib>
#include <string_view>

#include <poll.h>
#include <unistd.h>

#define NCURSES_NOMACROS // other headers also declare erase, clear and move
#include <curses.h>

namespace ibid::cli {
namespace {

volatile std::sig_atomic_t must_end = 0;

// Cuts a text to the number of columns.
std::string_view fitted(std::string_view text, int columns) {
    std::size_t end = 0;
    for (; end < text.size(); ++end) {
        const bool begins = (static_cast<unsigned char>(text[end]) & 0xc0) != 0x80;
        if (begins && columns-- == 0)
            break;
    }
    return text.substr(0, end);
}

class curses_screen final : public screen {
public:
    explicit curses_screen(SCREEN* s) : screen_(s) {
        must_end = 0;
        // Blocked except in wait(), so that the screen is restored before the end.
        const sigset_t set = ending_set();
        ::sigprocmask(SIG_BLOCK, &set, &before_);
        struct sigaction act {};
        act.sa_handler = [](int) { must_end = 1; };
        for (const int s_ : ending_signals)
            ::sigaction(s_, &act, nullptr);
        ::cbreak();
        ::noecho();
        ::keypad(stdscr, TRUE);
        ::nodelay(stdscr, TRUE);
        ::set_escdelay(25);
        ::curs_set(0);
    }
    ~curses_screen() override {
        ::endwin();
        ::delscreen(screen_);
    }

    [[nodiscard]] int rows() const override { return LINES; }
    [[nodiscard]] int columns() const override { return COLS; }

    void draw(const std::vector<screen_line>& lines) override {
        ::werase(stdscr);
        int row = 0;
        for (const screen_line& line : lines) {
            if (row == LINES)
                break;
            const attr_t as = line.as == style::strong     ? A_BOLD
                              : line.as == style::faint    ? A_DIM
                              : line.as == style::reversed ? A_REVERSE
                                                           : A_NORMAL;
            const std::string_view text = fitted(line.text, COLS);
            ::wmove(stdscr, row++, 0);
            put(text.substr(0, line.marked_from), as);
            if (line.marked_from < text.size())
                put(text.substr(line.marked_from, line.marked_to - line.marked_from), as | A_REVERSE);
            if (line.marked_to < text.size())
                put(text.substr(std::max(line.marked_from, line.marked_to)), as);
        }
        ::wrefresh(stdscr);
    }

    [[nodiscard]] happening wait(double seconds) override {
        timespec end{};
        ::clock_gettime(CLOCK_MONOTONIC, &end);
        const timespec span = span_of(seconds);
        end.tv_sec += span.tv_sec;
        end.tv_nsec += span.tv_nsec;
        for (;;) {
            if (const int c = ::wgetch(stdscr); c != ERR)
                return of(c);
            timespec now{};
            ::clock_gettime(CLOCK_MONOTONIC, &now);
            const double left = static_cast<double>(end.tv_sec - now.tv_sec) +
                                static_cast<double>(end.tv_nsec - now.tv_nsec) / 1e9;
            if (must_end != 0)
                return {happening::must_end, 0};
            if (left <= 0)
                return {happening::time_is_over, 0};
            pollfd input{STDIN_FILENO, POLLIN, 0};
            const timespec time = span_of(left);
            if (::ppoll(&input, 1, &time, &before_) > 0 &&
                (input.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
                return {happening::must_end, 0}; // the terminal is gone
        }
    }

private:
    static void put(std::string_view text, attr_t as) {
        ::wattrset(stdscr, static_cast<int>(as));
        ::waddnstr(stdscr, text.data(), static_cast<int>(text.size()));
    }
    [[nodiscard]] static happening of(int c) {
        const auto pressed = [](key k) { return happening{happening::was_pressed, static_cast<int>(k)}; };
        switch (c) {
        case KEY_RESIZE:
            return {happening::was_resized, 0};
        case KEY_UP:
            return pressed(key::up);
        case KEY_DOWN:
            return pressed(key::down);
        case KEY_LEFT:
            return pressed(key::left);
        case KEY_RIGHT:
            return pressed(key::right);
        case KEY_PPAGE:
            return pressed(key::page_up);
        case KEY_NPAGE:
            return pressed(key::page_down);
        case KEY_HOME:
            return pressed(key::first);
        case KEY_END:
            return pressed(key::last);
        case KEY_ENTER:
        case '\r':
        case '\n':
            return pressed(key::enter);
        case 27:
            return pressed(key::escape);
        case KEY_BACKSPACE:
        case 127:
        case '\b':
            return pressed(key::erase);
        default:
            return {happening::was_pressed, c};
        }
    }

    SCREEN* screen_;
    sigset_t before_{};
};

} // namespace

std::unique_ptr<screen> screen::open() {
    if (::isatty(STDOUT_FILENO) != 1 || ::isatty(STDIN_FILENO) != 1)
        return nullptr;
    const char* const type = std::getenv("TERM");
    if (type == nullptr || *type == '\0' || std::string_view(type) == "dumb")
        return nullptr;
    std::setlocale(LC_CTYPE, "");
    // They may be another terminal's, as GNU readline exports them, and with them ncurses follows no change
    // of the size (use_tioctl() does not help).
    ::unsetenv("LINES");
    ::unsetenv("COLUMNS");
    SCREEN* const made = ::newterm(nullptr, stdout, stdin); // null: this terminal is not known
    return made != nullptr ? std::make_unique<curses_screen>(made) : nullptr;
}

} // namespace ibid::cli

#else

namespace ibid::cli {

std::unique_ptr<screen> screen::open() {
    return nullptr;
}

} // namespace ibid::cli

#endif
