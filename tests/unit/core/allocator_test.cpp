// SPDX-License-Identifier: Apache-2.0
//
// Memory from the caller's allocator, and back to it.
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <memory_resource>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "ibid/detail/port/aligned_memory.h"
#include "ibid/weak.h"
#include "support/counting_memory.h"

namespace ibid {
namespace {

using namespace ibid::testing;

template <class Allocator>
using texts = cache<std::string, int, key_beside, hash<std::string>, equal, Allocator>;

template <class Allocator>
void use(texts<Allocator>& c) {
    std::vector<handle<int>> some;
    for (int i = 0; i < 300; ++i) {
        some.push_back(c.intern(std::to_string(i), [&] { return i; }));
    }
    c.retain({.bytes = 10000, .entries = 20});
    for (int i = 0; i < 1000; ++i) {
        (void)c.intern(std::to_string(i), [&] { return i; });
    }
    EXPECT_EQ(*c.find("299"), 299);
}

TEST(allocators, that_are_polymorphic_give_the_memory_and_get_it_back) {
    counting_memory memory;
    {
        texts<std::pmr::polymorphic_allocator<std::byte>> c({.allocator = &memory});
        use(c);
        EXPECT_GT(memory.bytes_out(), 0U);
    }
    EXPECT_GT(memory.allocations(), 300U);
    EXPECT_EQ(memory.bytes_out(), 0U);
}

TEST(allocators, that_have_no_default_are_passed_on) {
    counting_memory memory;
    {
        const allocator_of<std::byte> mine(memory);
        texts<allocator_of<std::byte>> c({.retain = {.bytes = 1000, .entries = 3}, .allocator = mine});
        use(c);
        EXPECT_GT(memory.bytes_out(), 0U);
    }
    EXPECT_EQ(memory.bytes_out(), 0U);
}

// Like many allocators: malloc, whatever alignment T needs. Its memory is aligned for any type without a
// special alignment, and here never for more.
template <class T>
struct allocator_from_malloc {
    using value_type = T;
    static constexpr std::size_t least = alignof(std::max_align_t);

    allocator_from_malloc() = default;
    template <class U>
    allocator_from_malloc(const allocator_from_malloc<U>&) noexcept {
    } // NOLINT(google-explicit-constructor): as the standard asks

    T* allocate(std::size_t n) {
        auto* const p =
            static_cast<unsigned char*>(detail::allocate_aligned(64, (n * sizeof(T) + least + 63) / 64 * 64));
        if (p == nullptr) {
            throw std::bad_alloc();
        }
        return reinterpret_cast<T*>(p + least);
    }
    void deallocate(T* p, std::size_t) noexcept {
        detail::free_aligned(reinterpret_cast<unsigned char*>(p) - least);
    }
    friend bool operator==(const allocator_from_malloc&, const allocator_from_malloc&) { return true; }
};

TEST(allocators, may_know_nothing_of_cache_lines) {
    texts<allocator_from_malloc<std::byte>> c;
    use(c);
}

TEST(allocators, may_be_gone_when_all_that_came_from_them_has) {
    handle<int> h;
    weak<int> w;
    auto memory = std::make_unique<counting_memory>();
    {
        texts<std::pmr::polymorphic_allocator<std::byte>> c({.allocator = memory.get()});
        h = c.intern("a", [] { return 1; });
        w = weak<int>(h);
    }
    EXPECT_EQ(*h, 1);
    h.reset();
    w = {};
    memory.reset(); // reports memory that was not freed
}

// Larger than a word, so the table stores it in separate memory.
template <class T>
struct large_allocator {
    using value_type = T;
    std::shared_ptr<counting_memory> memory;
    const char* name = "large";

    explicit large_allocator(std::shared_ptr<counting_memory> from) noexcept : memory(std::move(from)) {}
    template <class U>
    large_allocator(const large_allocator<U>& other) noexcept // NOLINT(google-explicit-constructor)
        : memory(other.memory), name(other.name) {}

    T* allocate(std::size_t n) { return static_cast<T*>(memory->allocate(n * sizeof(T), alignof(T))); }
    void deallocate(T* p, std::size_t n) noexcept { memory->deallocate(p, n * sizeof(T), alignof(T)); }
    template <class U>
    friend bool operator==(const large_allocator& a, const large_allocator<U>& b) noexcept {
        return a.memory == b.memory;
    }
};

TEST(allocators, of_any_size_are_kept_until_all_that_came_from_them_has_gone) {
    const auto memory = std::make_shared<counting_memory>();
    handle<int> h;
    weak<int> w;
    {
        texts<large_allocator<std::byte>> c({.allocator = large_allocator<std::byte>(memory)});
        use(c);
        std::thread([&] { use(c); }).join();
        h = c.intern("a", [] { return 1; });
        w = weak<int>(h);
    }
    EXPECT_GT(memory->bytes_out(), 0U);
    h.reset();
    EXPECT_GT(memory.use_count(), 1);
    w = {};
    EXPECT_EQ(memory->bytes_out(), 0U);
    EXPECT_EQ(memory.use_count(), 1);
}

// With an alignment that no other allocation of the cache has.
template <class T>
struct alignas(256) aligned_allocator : large_allocator<T> {
    using large_allocator<T>::large_allocator;
    template <class U>
    aligned_allocator(const aligned_allocator<U>& other) noexcept // NOLINT(google-explicit-constructor)
        : large_allocator<T>(other) {}
    [[nodiscard]] T* allocate(std::size_t n) {
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(this) % alignof(aligned_allocator), 0U);
        return large_allocator<T>::allocate(n);
    }
};

TEST(allocators, of_any_alignment_are_kept_in_memory_of_that_alignment) {
    const auto memory = std::make_shared<counting_memory>();
    handle<int> h;
    {
        texts<aligned_allocator<std::byte>> c({.allocator = aligned_allocator<std::byte>(memory)});
        use(c);
        h = c.intern("a", [] { return 1; });
    }
    EXPECT_EQ(*h, 1);
    h.reset();
    EXPECT_EQ(memory->bytes_out(), 0U);
    EXPECT_EQ(memory.use_count(), 1);
}

TEST(allocators, of_any_size_may_have_nothing_left) {
    const auto memory = std::make_shared<counting_memory>();
    for (long n = 0; n < 5; ++n) {
        memory->fail_after(n);
        try {
            texts<large_allocator<std::byte>> c({.allocator = large_allocator<std::byte>(memory)});
            (void)c.intern("a", [] { return 1; });
        } catch (const std::bad_alloc&) {
        }
    }
    EXPECT_EQ(memory->bytes_out(), 0U);
    EXPECT_EQ(memory.use_count(), 1);
}

TEST(allocators, from_which_nothing_comes_make_no_cache_and_lose_nothing) {
    counting_memory memory;
    for (long n = 0; n < 4; ++n) {
        memory.fail_after(n);
        try {
            texts<std::pmr::polymorphic_allocator<std::byte>> c({.allocator = &memory});
            (void)c.intern("a", [] { return 1; });
        } catch (const std::bad_alloc&) {
        }
    }
    EXPECT_EQ(memory.bytes_out(), 0U);
}

} // namespace
} // namespace ibid
