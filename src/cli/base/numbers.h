// SPDX-License-Identifier: Apache-2.0
//
// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ibid::cli {

[[nodiscard]] std::string grouped(std::uint64_t n);                        // 1234567 -> "1,234,567"
[[nodiscard]] std::string bytes_text(std::uint64_t n);                     // 1536 -> "1.5 KiB"
[[nodiscard]] std::string counted(std::uint64_t n, std::string_view noun); // 1 -> "1 hit", 2 -> "2 hits"

} // namespace ibid::cli
