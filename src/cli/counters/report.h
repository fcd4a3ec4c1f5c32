// SPDX-License-Identifier: Apache-2.0
//
// Prints the counters: as a few lines for a person, or as JSON. docs/command.md describes both.
#pragma once

#include "statistics/observe.h"

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ibid::cli {

// The summary at the end of a run.
struct verdict {
    std::optional<shared_statistics::totals> counted;
    // At most one of these three is set. The program's own reason comes first.
    std::string guess; // why nothing was helped
    // Nothing was counted although counting was possible. (A process that could not be counted may have been
    // helped.)
    std::string nothing_seen;
    std::string uncounted; // why nothing could be counted
};

// Why no process was helped, or why that is not known: the program's own reason if there is one.
[[nodiscard]] std::string reason_of(const verdict& v);

// `ibid run --stats`: at the end of a program. A few lines, each beginning with "ibid: ".
[[nodiscard]] std::string summary_text(const verdict& v);
[[nodiscard]] nlohmann::ordered_json summary_json(const verdict& v);

// "/usr/lib/libcrypto.so.3 (3.0.19): 98 hits, 5 misses": one line for each, if there are several; and all of
// them as JSON.
[[nodiscard]] std::string libcrypto_lines(const std::vector<shared_statistics::libcrypto_figures>& all,
                                          std::string_view line_start);
[[nodiscard]] nlohmann::ordered_json
libcryptos_json(const std::vector<shared_statistics::libcrypto_figures>& all);

// "certificates": {...} and, once they have counted anything, "crls", "trust_stores", "signatures".
void add_counters(nlohmann::ordered_json& to, const std::array<statistics, shared_statistics::kinds>& of);

// "certificates      3 active, 2 retained; 98 hits, 5 misses, ..."
// One line for each kind that counted anything; the certificates always.
[[nodiscard]] std::string counter_lines(const std::array<statistics, shared_statistics::kinds>& of,
                                        std::string_view line_start);

} // namespace ibid::cli
