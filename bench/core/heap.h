// SPDX-License-Identifier: Apache-2.0
//
// The C library's heap: how much of it is in use, and a way to touch its pages before the measurement.
//
// Law: bytes_in_use counts whole chunks, with malloc's header and rounding, because that is what an
// allocation takes.
#pragma once

#include <malloc.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace bench {

[[nodiscard]] inline std::size_t bytes_in_use() noexcept {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

// Makes the heap keep `bytes` of touched pages, so that a first insert does not measure the kernel's page
// faults. This affects only the main thread: other threads allocate from arenas of their own.
inline void warm_heap(std::size_t bytes) {
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, -1);
    void* const block = std::malloc(bytes);
    if (block != nullptr) {
        std::memset(block, 1, bytes);
    }
    std::free(block);
}

} // namespace bench
