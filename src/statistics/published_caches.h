// SPDX-License-Identifier: Apache-2.0
//
// Reads the published counters of C++ programs' caches (include/ibid/published.h).
//
// Law: as observe.h. A list in another process may be damaged, endless or forged: it is read up to a limit,
// and its texts are made printable.
#pragma once

#include <ibid/statistics.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace ibid::shared_statistics {

struct cache_figures {
    std::string name; // printable
    statistics of;
};

struct published_figures {
    std::vector<cache_figures> all; // in the order in which they were published
    bool cut = false;               // there are older ones, which were not read
};

constexpr std::size_t most_caches = 256; // that are read of one process

// Empty: there are none, or no permission to read the process.
[[nodiscard]] published_figures read_caches(pid_t pid);
// `maps`: the contents of /proc/PID/maps, if the caller has already read it; reading it is half of the total
// cost.
[[nodiscard]] published_figures read_caches(pid_t pid, std::string_view maps);

} // namespace ibid::shared_statistics
