// SPDX-License-Identifier: Apache-2.0
//
// An allocator on malloc, for memory that the library allocates while it holds a lock of its own.
//
// Why not operator new: a program may have replaced it by a garbage collector's. That one runs finalizers
// inside an allocation; finalizers drop handles and intern (gc.h), and would re-enter the library. malloc
// calls no user code. Memory from here holds no pointer that a collector must follow.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>

#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/port/aligned_memory.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

template <class T>
struct malloc_allocator {
    using value_type = T;
    static_assert(alignof(T) <= alignof(std::max_align_t));

    malloc_allocator() noexcept = default;
    template <class U>
    malloc_allocator(const malloc_allocator<U>&) noexcept {} // NOLINT(google-explicit-constructor)

    [[nodiscard]] T* allocate(std::size_t n) {
        void* const memory =
            n <= std::numeric_limits<std::size_t>::max() / sizeof(T) ? std::malloc(n * sizeof(T)) : nullptr;
        if (memory == nullptr) [[unlikely]] {
            throw_bad_alloc();
        }
        return static_cast<T*>(memory);
    }
    void deallocate(T* memory, std::size_t) noexcept { std::free(memory); }

    template <class U>
    [[nodiscard]] bool operator==(const malloc_allocator<U>&) const noexcept {
        return true;
    }
};

// The same for cache-line aligned objects: `new (std::nothrow) T` and `delete`.
struct made_by_malloc {
    [[nodiscard]] static void* operator new(std::size_t size, std::align_val_t alignment,
                                            const std::nothrow_t&) noexcept {
        return allocate_aligned(static_cast<std::size_t>(alignment), size);
    }
    // NOLINTNEXTLINE(misc-new-delete-overloads): its counterpart is the one above
    static void operator delete(void* memory) noexcept { free_aligned(memory); }
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
