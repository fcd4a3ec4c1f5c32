// SPDX-License-Identifier: Apache-2.0
//
// Counters that `ibid top` and `ibid stat` show by name, from outside, while the program runs.
//
//     ibid::cache<std::string, std::regex> patterns({.counters = &ibid::published_counters("patterns"),
//                                                    .name = "patterns"});
//     auto h = patterns.intern("a+", [] { return std::regex("a+"); });
//     assert(patterns.statistics().misses == 1);
//
// Law: a program that does not call this pays nothing. A program that calls it shows a name and numbers, but
// no key and no value, to processes that may read its memory (those of its user, with ptrace's permission,
// and root's). No file, thread, signal or system call is used.
//
// Cost: the counters are exact at every moment, so each hit is counted under the lock of one of 16 shards.
// The block (1 KiB and its name) is never freed, because handles may outlive a cache; use it for caches that
// live as long as the program. A child of a fork() continues with a copy of its parent's figures.
//
// 64-bit Linux. Elsewhere the counters work, but no command reads them.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>

#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/base/process_wide.h"
#include "ibid/detail/port/aligned_memory.h"
#include "ibid/detail/port/module.h"
#include "ibid/statistics.h"

namespace ibid {
namespace process { // not in layout_1: the `ibid` command reads it (src/statistics/published_caches.cpp)

// Written once, before it is in the list.
struct published_cache {
    const published_cache* next;
    std::array<char, 112> name; // ends with a zero
    const void* counters;       // a counter_block
};

struct published_caches {
    static constexpr std::uint64_t magic_number = 0x5355'4f45'4e49'4249;
    [[nodiscard]] static const char* process_name() noexcept { return "ibid published caches 1"; }

    std::uint64_t magic = magic_number;
    std::uint64_t bytes_of_counters = sizeof(counter_block);
    std::atomic<const published_cache*> first{nullptr};
};

} // namespace process

inline namespace layout_1 {

// A new block of counters under this name, for cache_options::counters of one cache. The name is copied and
// cut to 111 bytes. It may be called at any time, in any module, and by any number of threads; the block
// lives to the end of the process. Throws bad_alloc.
[[nodiscard]] IBID_MODULE_LOCAL inline counter_block& published_counters(std::string_view name) {
    struct named_block {
        counter_block counters;
        process::published_cache entry;
    };
    process::published_caches* const all = detail::process_wide<process::published_caches>::get();
    void* const memory =
        all != nullptr ? detail::allocate_aligned(alignof(named_block), sizeof(named_block)) : nullptr;
    if (memory == nullptr) {
        detail::throw_bad_alloc();
    }
    auto* const fresh = ::new (memory) named_block{};
    process::published_cache& entry = fresh->entry;
    std::copy_n(name.data(), std::min(name.size(), entry.name.size() - 1), entry.name.data());
    entry.counters = &fresh->counters;
    // Release: a reader that finds the entry sees its name. Entries are never removed, so there is no ABA.
    entry.next = all->first.load(std::memory_order_relaxed);
    while (!all->first.compare_exchange_weak(entry.next, &entry, std::memory_order_release,
                                             std::memory_order_relaxed)) {
    }
    return fresh->counters;
}

} // namespace layout_1
} // namespace ibid
