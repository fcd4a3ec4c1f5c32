// SPDX-License-Identifier: Apache-2.0
//
// Makes untrusted text (a process name, a name in a certificate, a setting in a file) safe for a terminal,
// JSON or a label.
//
// Law: the result is well-formed UTF-8 without control characters (C0, DEL, C1), line separators and
// direction marks. Each of those, and each byte that is not UTF-8, is replaced by a question mark.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ibid::shared_statistics {

void append_printable(std::string& to, std::uint32_t character);
[[nodiscard]] std::string printable(std::string_view utf8);

} // namespace ibid::shared_statistics
