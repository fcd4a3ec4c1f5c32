// SPDX-License-Identifier: Apache-2.0
//
// What the counters say: as a few lines for a person, as JSON for a program. docs/command.md describes both.
#pragma once

#include "statistics/observe.h"

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ibid::cli {

// Why nothing was helped, if nothing was: the program's own words if it said something, `guess` if not.
[[nodiscard]] std::string reason_of(const shared_statistics::totals& t, const std::string& guess);

// `ibid run --stats`: at the end of a program. One to three lines, each beginning with "ibid: ".
[[nodiscard]] std::string summary_text(const shared_statistics::totals& t, const std::string& guess);
[[nodiscard]] nlohmann::ordered_json summary_json(const shared_statistics::totals& t,
                                                  const std::string& guess);

// "certificates": {...} and, once they have counted anything, "crls", "trust_stores", "signatures".
void add_counters(nlohmann::ordered_json& to, const std::array<statistics, shared_statistics::kinds>& of);

// "certificates      3 active, 2 retained; 98 hits, 5 misses, ..." one line for each kind that counted anything; the
// certificates always.
[[nodiscard]] std::string counter_lines(const std::array<statistics, shared_statistics::kinds>& of,
                                        std::string_view line_start);

} // namespace ibid::cli
