// SPDX-License-Identifier: Apache-2.0
//
// Colours on standard output, if it is a terminal that has colours.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ibid::cli {

// Whether standard output shows colours: it is a known terminal that is not dumb, and NO_COLOR is not set
// (https://no-color.org).
[[nodiscard]] bool has_colours();

// Of the terminal at standard output, in columns; 0: there is none.
[[nodiscard]] std::size_t terminal_width();

// A text that a terminal may get as it is: what is not ibid's own in it has been made printable.
struct legible_text {
    std::string text;
};

enum class colour { good, bad, faint, strong };
[[nodiscard]] legible_text paint(colour c, std::string_view text); // `text` itself where there are no colours

// On a terminal: wraps the text between words at the terminal's width; further lines are indented by
// `column`, where the first line begins. Elsewhere: one line, which is easier for programs to read. Not for
// commands, because a user may copy them.
[[nodiscard]] legible_text folded(std::string_view text, std::size_t column);

} // namespace ibid::cli
