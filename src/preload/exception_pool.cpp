// SPDX-License-Identifier: Apache-2.0
//
// At load, the C++ library inside the preload allocates 72 KiB for exceptions that are thrown when memory has
// run out. On the program's heap, this would move the program's allocations to other positions in their
// pages, and a forked child would write to more pages than in stock. So this memory is part of the preload's
// own data, which is not written to until it is needed.
//
// Law: the first large request of this library's own code is served from here; all others by the C library.
// These functions replace the C library's only in this library's own calls (ld --wrap).
#include <cstddef>
#include <cstring>

#include <atomic>

namespace {

constexpr std::size_t large = std::size_t{32} << 10;
alignas(std::max_align_t) constinit unsigned char reserve[std::size_t{80} << 10] = {};
constinit std::atomic<bool> taken{false};

[[nodiscard]] bool is_reserve(const void* p) noexcept {
    return p == reserve;
}

} // namespace

extern "C" {

void* __real_malloc(std::size_t size);           // NOLINT(bugprone-reserved-identifier): the linker's names
void __real_free(void* p);                       // NOLINT(bugprone-reserved-identifier)
void* __real_realloc(void* p, std::size_t size); // NOLINT(bugprone-reserved-identifier)
void* __wrap_malloc(std::size_t size);           // NOLINT(bugprone-reserved-identifier)
void __wrap_free(void* p);                       // NOLINT(bugprone-reserved-identifier)
void* __wrap_realloc(void* p, std::size_t size); // NOLINT(bugprone-reserved-identifier)

void* __wrap_malloc(std::size_t size) { // NOLINT(bugprone-reserved-identifier)
    const bool fits = size >= large && size <= sizeof reserve;
    return fits && !taken.exchange(true, std::memory_order_relaxed) ? reserve : __real_malloc(size);
}

void __wrap_free(void* p) { // NOLINT(bugprone-reserved-identifier)
    if (!is_reserve(p)) {
        __real_free(p);
    }
}

void* __wrap_realloc(void* p, std::size_t size) { // NOLINT(bugprone-reserved-identifier)
    if (!is_reserve(p)) {
        return __real_realloc(p, size);
    }
    void* const moved = __real_malloc(size);
    if (moved != nullptr) {
        std::memcpy(moved, p, size < sizeof reserve ? size : sizeof reserve);
    }
    return moved;
}

} // extern "C"
