// SPDX-License-Identifier: Apache-2.0
//
// See cache_report.h.
#include "cli/counters/cache_report.h"

#include "cli/base/numbers.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ibid::cli {

using shared_statistics::cache_figures;

std::string cache_lines(const std::vector<cache_figures>& all, bool cut) {
    std::string text;
    for (const cache_figures& c : all)
        text += fmt::format("cache {}: {} active, {} retained; {}, {}, {}\n", c.name, grouped(c.of.active),
                            grouped(c.of.retained), counted(c.of.hits, "hit"),
                            c.of.misses == 1 ? "1 miss" : grouped(c.of.misses) + " misses",
                            counted(c.of.evictions, "eviction"));
    if (cut)
        text += fmt::format("older caches are not shown: there are more than {}\n", grouped(all.size()));
    return text;
}

nlohmann::ordered_json cache_json(const cache_figures& one) {
    return {{"cache", one.name},
            {"active", one.of.active},
            {"retained", one.of.retained},
            {"retained_bytes", one.of.retained_bytes},
            {"hits", one.of.hits},
            {"misses", one.of.misses},
            {"evictions", one.of.evictions}};
}

} // namespace ibid::cli
