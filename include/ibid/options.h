// SPDX-License-Identifier: Apache-2.0
//
// Options of a cache, given by name to its constructor. Each has a default:
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

    // Where to count. Null: in the cache. A block that the caller gives must outlive the cache and its
    // handles. It is exact at every moment, because another process may read it, so each hit is then counted
    // under a lock.
    counter_block* counters = nullptr;

    // For entries and the table itself. Its memory must outlive all handles and weak references. Keys and
    // values that take such an allocator (std::pmr::string, with std::pmr::polymorphic_allocator here) are
    // constructed with it. (What a miss was looked up by, if it is no Key, first becomes one by its own
    // constructor, which ends with the call: in an arena, its memory would stay.)
    Allocator allocator = Allocator();

    // A name that debuggers show. It is not copied, so pass a literal. (For `ibid top`:
    // published_counters().)
    const char* name = nullptr;
};

} // namespace layout_1
} // namespace ibid
