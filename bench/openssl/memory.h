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

// Bytes in chunks that malloc has handed out, with their headers; small ones from arenas and large ones from
// mmap. Chunks that a thread's cache of freed ones holds count as used, so a run that wants exact figures
// turns that cache off: GLIBC_TUNABLES=glibc.malloc.tcache_count=0.
inline std::int64_t heap_in_use() noexcept {
    const struct mallinfo2 info = mallinfo2();
    return static_cast<std::int64_t>(info.uordblks + info.hblkhd);
}

// Resident pages, which also shows what was taken from the system without malloc.
inline std::int64_t resident() {
    std::ifstream statm("/proc/self/statm");
    std::int64_t size = 0;
    std::int64_t pages = 0;
    if (!(statm >> size >> pages))
        throw std::runtime_error("/proc/self/statm cannot be read");
    return pages * sysconf(_SC_PAGESIZE);
}

} // namespace bench
