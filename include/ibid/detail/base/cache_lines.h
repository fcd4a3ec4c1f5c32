// SPDX-License-Identifier: Apache-2.0
//
// Whole cache lines from an allocator that does not know about them. Requests ordinary alignment only,
// because many allocators call malloc, which gives no more.
//
// Law: a block has 16 bytes less than a line more than its lines, before or behind them. The first line can
// be computed from the block's address, so the block alone is enough to free it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ibid/detail/base/few_includes.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

// `line`: 64, or 128 for pairs of lines. A processor that fetches a line may fetch the other one of its pair.
template <class Allocator, std::size_t line = 64>
struct cache_lines {
    struct block {
        alignas(std::max_align_t) unsigned char bytes[alignof(std::max_align_t)];
    };

    [[nodiscard]] static block* allocate(const Allocator& from, std::size_t lines) {
        block_allocator a(from);
        return std::allocator_traits<block_allocator>::allocate(a, blocks(lines));
    }
    static void free(const Allocator& to, block* first, std::size_t lines) noexcept {
        block_allocator a(to);
        std::allocator_traits<block_allocator>::deallocate(a, first, blocks(lines));
    }
    [[nodiscard]] static void* first_line(block* b) noexcept {
        return b->bytes + (-reinterpret_cast<std::uintptr_t>(b) & (line - 1));
    }

    // 16 bytes of the block outside its lines.
    [[nodiscard]] static void* spare(block* b, std::size_t lines) noexcept {
        auto* const first = static_cast<unsigned char*>(first_line(b));
        return first != b->bytes ? b->bytes : first + lines * line;
    }

private:
    using block_allocator = typename std::allocator_traits<Allocator>::template rebind_alloc<block>;

    [[nodiscard]] static constexpr std::size_t blocks(std::size_t lines) noexcept {
        return (lines + 1) * (line / sizeof(block)) - 1;
    }
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
