// SPDX-License-Identifier: Apache-2.0
//
// Standard output as a place to write for a person: colours and size, where there are any.
#pragma once

#include <string>
#include <string_view>

namespace ibid::cli {

// Whether standard output shows colours: a terminal, not a dumb one, and no NO_COLOR (https://no-color.org).
[[nodiscard]] bool has_colours();

enum class colour { good, bad, faint, strong };
[[nodiscard]] std::string paint(colour c, std::string_view text); // `text` itself where there are no colours

struct terminal_size {
    int rows = 24;
    int columns = 80;
};
[[nodiscard]] terminal_size size_of_terminal();

// While this lives, standard output shows a screen of its own (if it is a terminal); what was there comes back, also when a
// signal ends the command.
class own_screen {
public:
    own_screen();
    own_screen(const own_screen&) = delete;
    own_screen& operator=(const own_screen&) = delete;
    ~own_screen();

    // Shows `text` from the top, cut to what fits.
    void show(const std::string& text) const;

    // Waits. False when SIGINT, SIGTERM or SIGHUP came instead.
    [[nodiscard]] bool wait(double seconds) const;

private:
    bool terminal_;
};

} // namespace ibid::cli
