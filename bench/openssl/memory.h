// SPDX-License-Identifier: Apache-2.0
//
// How much memory this process uses.
//
// Law: everything from malloc counts: the program's memory, OpenSSL's, and the preload's.
#pragma once

#include <malloc.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <stdexcept>

namespace bench {

// Bytes in allocated chunks of malloc, with their headers: small chunks from arenas, large ones from mmap.
// Freed chunks in a thread's cache count as used, so for exact figures that cache must be off:
// GLIBC_TUNABLES=glibc.malloc.tcache_count=0.
inline std::int64_t heap_in_use() noexcept {
    const struct mallinfo2 info = mallinfo2();
    return static_cast<std::int64_t>(info.uordblks + info.hblkhd);
}

// Resident memory, which includes memory that was allocated without malloc.
inline std::int64_t resident() {
    std::ifstream statm("/proc/self/statm");
    std::int64_t size = 0;
    std::int64_t pages = 0;
    if (!(statm >> size >> pages))
        throw std::runtime_error("/proc/self/statm cannot be read");
    return pages * sysconf(_SC_PAGESIZE);
}

} // namespace bench
