// SPDX-License-Identifier: Apache-2.0
//
// Prints the published counters of C++ programs' caches (include/ibid/published.h).
#pragma once

#include "statistics/published_caches.h"

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <sys/types.h>

namespace ibid::cli {

// One line for each: "cache patterns: 3 active, 2 retained; 98 hits, 5 misses, 0 evictions".
// `cut`: there are more.
[[nodiscard]] std::string cache_lines(const std::vector<shared_statistics::cache_figures>& all, bool cut);

// One element of the JSON member "caches".
[[nodiscard]] nlohmann::ordered_json cache_json(const shared_statistics::cache_figures& one);

} // namespace ibid::cli
