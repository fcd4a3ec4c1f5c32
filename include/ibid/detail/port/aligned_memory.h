// SPDX-License-Identifier: Apache-2.0
//
// malloc() memory with more than ordinary alignment. Windows has no std::aligned_alloc, because its free()
// cannot free such memory.
#pragma once

#include <cstddef>
#include <cstdlib>

#include "ibid/detail/port/system.h"

#if defined(IBID_ON_WINDOWS)
#include <malloc.h>
#endif

namespace ibid {
inline namespace layout_1 {
namespace detail {

// Null without memory. `size` is a multiple of `alignment`.
[[nodiscard]] inline void* allocate_aligned(std::size_t alignment, std::size_t size) noexcept {
#if defined(IBID_ON_WINDOWS)
    return ::_aligned_malloc(size, alignment);
#else
    return std::aligned_alloc(alignment, size);
#endif
}

inline void free_aligned(void* memory) noexcept {
#if defined(IBID_ON_WINDOWS)
    ::_aligned_free(memory);
#else
    std::free(memory);
#endif
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
