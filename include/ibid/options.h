// SPDX-License-Identifier: Apache-2.0
//
// What a cache can be told when it is made. All of it has a default, and is given by name:
//
//     ibid::cache<std::string, std::regex> patterns({.retain = {.bytes = 1 << 20, .entries = 256},
//                                                    .name = "patterns"});
//     assert(patterns.retained().entries == 256 && patterns.name() == std::string_view("patterns"));
#pragma once

#include <cstddef>

#include "ibid/detail/base/few_includes.h"
#include "ibid/retention.h"
#include "ibid/statistics.h"

namespace ibid {
inline namespace layout_1 {

// What the constructor of a cache takes.
template <class Allocator = std::allocator<std::byte>>
struct cache_options {
    // Entries without a handle: none. cache::retain() changes it.
    retention retain{};

    // Where to count: null, in the cache. A block of the caller's outlives the cache and the handles, and is
    // exact at every moment, as another process may read it; so each hit is then counted under a lock.
    counter_block* counters = nullptr;

    // For entries and the table itself. Its memory outlives all handles. Keys and values that take such an
    // allocator (std::pmr::string, with std::pmr::polymorphic_allocator here) are constructed with it.
    Allocator allocator = Allocator();

    // For people: debuggers show it. Not copied: a literal. (For `ibid top`: published_counters().)
    const char* name = nullptr;
};

} // namespace layout_1
} // namespace ibid
