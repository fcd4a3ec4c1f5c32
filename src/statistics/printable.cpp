// SPDX-License-Identifier: Apache-2.0
#include "printable.h"

#include <cstddef>

namespace ibid::shared_statistics {

namespace {

[[nodiscard]] bool is_obeyed(std::uint32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) ||                      // C0, DEL, C1
           c == 0x2028 || c == 0x2029 ||                               // separators of lines and paragraphs
           c == 0x061c || c == 0x200e || c == 0x200f ||                // marks of direction ...
           (c >= 0x202a && c < 0x202f) || (c >= 0x2066 && c < 0x206a); // ... and what they enclose
}

[[nodiscard]] bool is_character(std::uint32_t c) {
    return c <= 0x10ffff && (c < 0xd800 || c >= 0xe000);
}

} // namespace

void append_printable(std::string& to, std::uint32_t c) {
    const auto last_six = [](std::uint32_t bits) { return static_cast<char>(0x80 | (bits & 0x3f)); };
    if (is_obeyed(c) || !is_character(c))
        to += '?';
    else if (c < 0x80)
        to += static_cast<char>(c);
    else if (c < 0x800)
        to += {static_cast<char>(0xc0 | c >> 6), last_six(c)};
    else if (c < 0x10000)
        to += {static_cast<char>(0xe0 | c >> 12), last_six(c >> 6), last_six(c)};
    else
        to += {static_cast<char>(0xf0 | c >> 18), last_six(c >> 12), last_six(c >> 6), last_six(c)};
}

std::string printable(std::string_view utf8) {
    std::string text;
    for (std::size_t i = 0; i < utf8.size();) {
        const auto first = static_cast<unsigned char>(utf8[i]);
        const std::size_t more = first < 0x80                    ? 0
                                 : first >= 0xc2 && first < 0xe0 ? 1
                                 : first >= 0xe0 && first < 0xf0 ? 2
                                                                 : 3;
        std::uint32_t c = first < 0x80 ? first : first & (0x3f >> more);
        bool fine = first < 0x80 || (first >= 0xc2 && first < 0xf5);
        for (std::size_t k = 1; fine && k <= more; ++k) {
            fine = i + k < utf8.size() && (static_cast<unsigned char>(utf8[i + k]) & 0xc0) == 0x80;
            if (fine)
                c = c << 6 | (static_cast<unsigned char>(utf8[i + k]) & 0x3f);
        }
        fine = fine && is_character(c) &&
               (more < 2 || c >= (more == 2 ? 0x800U : 0x10000U)); // shortest form alone
        append_printable(text, fine ? c : 0);
        i += fine ? more + 1 : 1;
    }
    return text;
}

} // namespace ibid::shared_statistics
