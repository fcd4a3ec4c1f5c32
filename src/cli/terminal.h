// SPDX-License-Identifier: Apache-2.0
//
// Standard output as a place to write for a person: colours, where there are any.
#pragma once

#include <string>
#include <string_view>

namespace ibid::cli {

// Whether standard output shows colours: a terminal of a kind that is known, not a dumb one, and no NO_COLOR
// (https://no-color.org).
[[nodiscard]] bool has_colours();

enum class colour { good, bad, faint, strong };
[[nodiscard]] std::string paint(colour c, std::string_view text); // `text` itself where there are no colours

} // namespace ibid::cli
