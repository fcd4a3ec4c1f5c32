// SPDX-License-Identifier: Apache-2.0
//
// Text that somebody else wrote (a process its name, a peer its certificate, a file a setting), for a
// terminal, JSON or a label.
//
// Law: what comes out is well-formed UTF-8 in which nothing is obeyed: no control character (C0, DEL, C1), no
// separator of lines, no change of direction. Each of those, and each byte that is no UTF-8, is a question
// mark.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ibid::shared_statistics {

void append_printable(std::string& to, std::uint32_t character);
[[nodiscard]] std::string printable(std::string_view utf8);

} // namespace ibid::shared_statistics
