// SPDX-License-Identifier: Apache-2.0
//
// A full-screen display with keys, by ncurses. The former content of the terminal is restored at the end,
// also if a signal ends the command.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace ibid::cli {

enum class style { plain, strong, faint, reversed };

struct screen_line {
    std::string text{};
    style as = style::plain;
    std::size_t marked_from = 0; // this range is shown in reverse; both 0: nothing
    std::size_t marked_to = 0;
};

// Keys that are not characters.
enum class key { up = 0x110000, down, left, right, page_up, page_down, first, last, enter, escape, erase };

// What ended a wait.
struct happening {
    enum { time_is_over, was_pressed, was_resized, must_end } what = time_is_over;
    int pressed = 0; // a character, or a `key`
    [[nodiscard]] bool is(key k) const { return what == was_pressed && pressed == static_cast<int>(k); }
};

class screen {
public:
    // Null if the standard streams are not a suitable terminal, or if the command was built without ncurses.
    [[nodiscard]] static std::unique_ptr<screen> open();

    screen() = default;
    screen(const screen&) = delete;
    screen& operator=(const screen&) = delete;
    virtual ~screen() = default;

    [[nodiscard]] virtual int rows() const = 0;
    [[nodiscard]] virtual int columns() const = 0;
    // Draws from the top, and cuts what does not fit.
    virtual void draw(const std::vector<screen_line>& lines) = 0;
    // must_end: SIGINT, SIGTERM or SIGHUP was received, or the terminal was closed.
    [[nodiscard]] virtual happening wait(double seconds) = 0;
};

// For output without a screen: waits between two views. False if SIGINT, SIGTERM or SIGHUP was received.
class plain_views {
public:
    plain_views();
    [[nodiscard]] static bool wait(double seconds);
};

} // namespace ibid::cli
