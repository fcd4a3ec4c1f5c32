// SPDX-License-Identifier: Apache-2.0
//
// What the caches of C++ programs say that ask to be shown (include/ibid/published.h).
#pragma once

#include "statistics/published_caches.h"

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <sys/types.h>

namespace ibid::cli {

// "cache patterns: 3 active, 2 retained; 98 hits, 5 misses, 0 evictions", a line each.
[[nodiscard]] std::string cache_lines(const std::vector<shared_statistics::cache_figures>& all);

// One, as the member "caches" lists them.
[[nodiscard]] nlohmann::ordered_json cache_json(const shared_statistics::cache_figures& one);

} // namespace ibid::cli
