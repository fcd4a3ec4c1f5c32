// SPDX-License-Identifier: Apache-2.0
//
// The summary of `ibid run --stats`: what was counted, or why nothing was, as text and as JSON.
// docs/command.md describes both.
#pragma once

#include "statistics/observe.h"

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ibid::cli {

struct verdict {
    std::optional<shared_statistics::totals> counted;
    // At most one of these three is set. The program's own reason comes first.
    std::string guess; // why nothing was helped
    // Nothing was counted although counting was possible. (A process that could not be counted may have been
    // helped.)
    std::string nothing_seen;
    std::string uncounted; // why nothing could be counted
};

// `ibid run --stats`: at the end of a program. A few lines, each beginning with "ibid: ".
[[nodiscard]] std::string summary_text(const verdict& v);
[[nodiscard]] nlohmann::ordered_json summary_json(const verdict& v);

} // namespace ibid::cli
