// SPDX-License-Identifier: Apache-2.0
//
// Reads the published counters of C++ programs' caches (include/ibid/published.h).
//
// Law: as observe.h. A list in another process may be damaged, endless or forged: it is read up to a limit,
// and its texts are made printable.
#pragma once

#include <ibid/statistics.h>

#include <iosfwd>
#include <string>
#include <vector>

#include <sys/types.h>

namespace ibid::shared_statistics {

struct cache_figures {
    std::string name; // printable
    statistics of;
};

// In the order in which they were published. Empty: there are none, or no permission to read the process.
[[nodiscard]] std::vector<cache_figures> read_caches(pid_t pid);
// `maps`: the contents of /proc/PID/maps, if the caller has already read it; reading it is half of the total
// cost.
[[nodiscard]] std::vector<cache_figures> read_caches(pid_t pid, std::istream& maps);

} // namespace ibid::shared_statistics
