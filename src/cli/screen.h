// SPDX-License-Identifier: Apache-2.0
//
// The whole terminal as one picture that changes, with keys: ncurses. What was there before comes back at the
// end, also when a signal ends the command.
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
    std::size_t marked_from = 0; // from here to there in reverse; nothing: both 0
    std::size_t marked_to = 0;
};

// Keys that are no characters.
enum class key { up = 0x110000, down, left, right, page_up, page_down, first, last, enter, escape, erase };

// What ended a wait.
struct happening {
    enum { time_is_over, was_pressed, was_resized, must_end } what = time_is_over;
    int pressed = 0; // a character, or a `key`
    [[nodiscard]] bool is(key k) const { return what == was_pressed && pressed == static_cast<int>(k); }
};

class screen {
public:
    // Null where the standard streams are no terminal that it can draw on, or where the command was built
    // without ncurses.
    [[nodiscard]] static std::unique_ptr<screen> open();

    screen() = default;
    screen(const screen&) = delete;
    screen& operator=(const screen&) = delete;
    virtual ~screen() = default;

    [[nodiscard]] virtual int rows() const = 0;
    [[nodiscard]] virtual int columns() const = 0;
    // From the top; what does not fit is cut.
    virtual void draw(const std::vector<screen_line>& lines) = 0;
    // must_end: SIGINT, SIGTERM or SIGHUP came, or the terminal is gone.
    [[nodiscard]] virtual happening wait(double seconds) = 0;
};

// The same without a screen: view after view. Waits; false when SIGINT, SIGTERM or SIGHUP came instead.
class plain_views {
public:
    plain_views();
    [[nodiscard]] static bool wait(double seconds);
};

} // namespace ibid::cli
