// SPDX-License-Identifier: Apache-2.0
//
// Bélády's optimum: evicts the key whose next request is furthest in the future, which may be the new key. No
// online policy can do better, so this is the upper bound for a trace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include "policies.h"

namespace bench_retention {

// Hits in the whole of `requests`.
[[nodiscard]] inline std::size_t optimal_hits(const std::vector<request>& requests, std::size_t capacity,
                                              std::size_t keys) {
    std::vector<std::size_t> next(requests.size()); // the next request for the key of request i
    std::vector<std::size_t> needed(keys, requests.size());
    for (std::size_t i = requests.size(); i-- > 0;) {
        next[i] = std::exchange(needed[requests[i].key], i);
    }
    std::set<std::pair<std::size_t, std::uint32_t>> kept; // ordered by their next request
    std::size_t hits = 0;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const std::uint32_t key = requests[i].key;
        hits += kept.erase({i, key}); // if the key is kept, its next request is this one
        kept.insert({next[i], key});
        if (kept.size() > capacity) {
            kept.erase(std::prev(kept.end()));
        }
    }
    return hits;
}

} // namespace bench_retention
