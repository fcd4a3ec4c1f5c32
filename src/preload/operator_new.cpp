// SPDX-License-Identifier: Apache-2.0
//
// The first allocations of the preload's own C++ code use separate pages and not the program's heap. Most of
// them live as long as the process. On the heap they would move the program's allocations to other pages, and
// a forked child would write to more pages than in stock.
//
// Law: the first `reserve` bytes are allocated sequentially. If the last block is freed, its memory is
// reused; other freed blocks are not. After that, and for large requests, the C library's allocator is used.
// There is no lock, so a forked child never finds a half-done state. Only this library's own code uses these
// functions, which are not exported. The core uses malloc for what another module may free.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <algorithm>
#include <atomic>
#include <new>

namespace {

constexpr std::size_t reserve = std::size_t{48} << 10;
constexpr std::size_t largest = std::size_t{8} << 10; // so that one request does not use all
constexpr std::size_t line = 64;

// One object, so that a child that allocates does not write to a page more for `used`.
struct arena {
    alignas(4096) std::atomic<std::size_t> used{0};
    alignas(line) unsigned char pages[reserve] = {};
};
constinit arena own{};

[[nodiscard]] constexpr std::size_t rounded(std::size_t size, std::size_t alignment) noexcept {
    return (size + alignment - 1) & ~(alignment - 1);
}

[[nodiscard]] constexpr std::size_t block(std::size_t size) noexcept {
    return rounded(std::max<std::size_t>(size, 1), alignof(std::max_align_t));
}

[[nodiscard]] void* from_reserve(std::size_t size, std::size_t alignment) noexcept {
    if (size > largest || alignment > line)
        return nullptr;
    // Acquire: sees what the block's last owner did with it (pairs with give_back).
    std::size_t now = own.used.load(std::memory_order_acquire);
    for (;;) {
        const std::size_t begin = rounded(now, alignment);
        if (block(size) > reserve - std::min(begin, reserve))
            return nullptr;
        if (own.used.compare_exchange_weak(now, begin + block(size), std::memory_order_acquire))
            return own.pages + begin;
    }
}

[[nodiscard]] bool is_reserved(const void* p) noexcept {
    return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(own.pages) < reserve;
}

void give_back(void* p, std::size_t size) noexcept {
    const auto begin = static_cast<std::size_t>(static_cast<unsigned char*>(p) - own.pages);
    std::size_t end = begin + block(size);
    own.used.compare_exchange_strong(end, begin, std::memory_order_release, std::memory_order_relaxed);
}

[[nodiscard]] void* allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) noexcept {
    if (void* const first = from_reserve(size, alignment))
        return first;
    return alignment <= alignof(std::max_align_t)
               ? std::malloc(block(size))
               : std::aligned_alloc(alignment, rounded(block(size), alignment));
}

void release(void* p) noexcept {
    if (!is_reserved(p))
        std::free(p);
}

void release(void* p, std::size_t size) noexcept {
    if (is_reserved(p))
        give_back(p, size);
    else
        std::free(p);
}

[[nodiscard]] void* must(void* p) {
    if (p == nullptr)
        throw std::bad_alloc();
    return p;
}

constexpr std::size_t number(std::align_val_t alignment) noexcept {
    return static_cast<std::size_t>(alignment);
}

} // namespace

void* operator new(std::size_t size) {
    return must(allocate(size));
}

void* operator new(std::size_t size, std::align_val_t alignment) {
    return must(allocate(size, number(alignment)));
}

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return allocate(size);
}

void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return allocate(size, number(alignment));
}

void operator delete(void* p) noexcept {
    release(p);
}

void operator delete(void* p, std::align_val_t) noexcept {
    release(p);
}

void operator delete(void* p, std::size_t size) noexcept {
    release(p, size);
}

void operator delete(void* p, std::size_t size, std::align_val_t) noexcept {
    release(p, size);
}
