// SPDX-License-Identifier: Apache-2.0
//
// Bélády's optimum: evicts the key that is needed again last, which may be the new one. No online policy can
// do better, so this is the upper bound of a trace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "policies.h"

namespace bench_retention {

// Hits in the whole of `requests`.
[[nodiscard]] inline std::size_t optimal_hits(const std::vector<request>& requests, std::size_t capacity,
                                              std::size_t keys) {
    std::vector<std::size_t> next(requests.size()); // when the key of request i is needed again
    std::vector<std::size_t> needed(keys, requests.size());
    for (std::size_t i = requests.size(); i-- > 0;) {
        next[i] = std::exchange(needed[requests[i].key], i);
    }
    std::set<std::pair<std::size_t, std::uint32_t>> kept; // by when they are needed
    std::size_t hits = 0;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const std::uint32_t key = requests[i].key;
        hits += kept.erase({i, key}); // it was kept, if it was kept, because it is needed now
        kept.insert({next[i], key});
        if (kept.size() > capacity) {
            kept.erase(std::prev(kept.end()));
        }
    }
    return hits;
}

} // namespace bench_retention
