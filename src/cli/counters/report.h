// SPDX-License-Identifier: Apache-2.0
//
// Prints the counters: as a few lines for a person, or as JSON. docs/command.md describes both.
#pragma once

#include "statistics/observe.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ibid::cli {

// "/usr/lib/libcrypto.so.3 (3.0.19): 98 hits, 5 misses": one line for each, if there are several; and all of
// them as JSON.
[[nodiscard]] std::string libcrypto_lines(const std::vector<shared_statistics::libcrypto_figures>& all,
                                          std::string_view line_start);
[[nodiscard]] nlohmann::ordered_json
libcryptos_json(const std::vector<shared_statistics::libcrypto_figures>& all);

// "certificates": {...} and, once they have counted anything, "trust_stores", "signatures".
void add_counters(nlohmann::ordered_json& to, const std::array<statistics, shared_statistics::kinds>& of);

// "certificates      3 active, 2 retained; 98 hits, 5 misses, ..."
// One line for each kind that counted anything; the certificates always.
[[nodiscard]] std::string counter_lines(const std::array<statistics, shared_statistics::kinds>& of,
                                        std::string_view line_start);

// Whether a kind counted anything.
[[nodiscard]] bool counted_anything(const std::array<statistics, shared_statistics::kinds>& of);

// "1 process", "2,000 processes"
[[nodiscard]] std::string processes(std::uint64_t n);

} // namespace ibid::cli
