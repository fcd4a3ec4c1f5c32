// SPDX-License-Identifier: Apache-2.0
#include <memory_resource>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "support/counting_memory.h"

namespace ibid {
namespace {

using namespace ibid::testing;
using pmr = std::pmr::polymorphic_allocator<std::byte>;
using namespace std::string_view_literals;

constexpr std::string_view long_text = "longer than what a string keeps inside of itself";

TEST(options, have_defaults) {
    const cache<int, int> c;
    EXPECT_TRUE(c.retained().none());
    EXPECT_EQ(c.name(), nullptr);
}

TEST(options, are_given_by_name_all_at_once) {
    counter_block counters;
    counting_memory memory;
    {
        using names = cache<int, int, key_beside, hash<int>, equal, pmr>;
        names c({.retain = {.bytes = 1000, .entries = 2},
                 .counters = &counters,
                 .allocator = &memory,
                 .name = "numbers"});
        EXPECT_EQ(c.name(), "numbers"sv);
        EXPECT_EQ(c.retained(), (retention{.bytes = 1000, .entries = 2}));
        (void)c.intern(1, [] { return 1; });
        EXPECT_EQ(sum(counters).misses, 1U);
        EXPECT_GT(memory.bytes_out(), 0U);
    }
    EXPECT_EQ(memory.bytes_out(), 0U);
}

class arenas : public ::testing::Test {
protected:
    counting_memory arena_;

    template <class Key, class Value, class KeyOf = key_beside>
    using in_arena = cache<Key, Value, KeyOf, hash<Key>, equal, pmr>;
};

TEST_F(arenas, hold_the_keys_and_values_that_take_their_allocator) {
    in_arena<std::pmr::string, std::pmr::string> c({.allocator = &arena_});
    const auto h = c.intern(long_text, [] { return std::pmr::string(long_text); });
    EXPECT_EQ(*h, long_text);
    EXPECT_EQ(h->get_allocator().resource(), &arena_);
    c.for_each([&](const std::pmr::string& key, const auto&) {
        EXPECT_EQ(key.get_allocator().resource(), &arena_);
    });
    EXPECT_EQ(c.find(long_text), h);
}

TEST_F(arenas, hold_values_that_are_made_from_something_else) {
    in_arena<int, std::pmr::string> c({.allocator = &arena_});
    const auto h = c.intern(1, [] { return long_text; });
    EXPECT_EQ(h->get_allocator().resource(), &arena_);
    const auto o = c.intern(2, [] { return std::optional<std::pmr::string>(long_text); });
    EXPECT_EQ(o->get_allocator().resource(), &arena_);
}

TEST_F(arenas, hold_the_parts_of_pairs_and_the_elements_of_containers) {
    using pair = std::pair<int, std::pmr::string>;
    in_arena<int, pair> pairs({.allocator = &arena_});
    EXPECT_EQ(pairs.intern(1, [] { return pair(1, long_text); })->second.get_allocator().resource(), &arena_);
    using list = std::pmr::vector<std::pmr::string>;
    in_arena<int, list> lists({.allocator = &arena_});
    const auto h = lists.intern(1, [] { return list{std::pmr::string(long_text)}; });
    EXPECT_EQ(h->front().get_allocator().resource(), &arena_);
}

TEST_F(arenas, hold_canonical_values) {
    in_arena<std::pmr::string, std::pmr::string, key_is_value> c({.allocator = &arena_});
    EXPECT_EQ(c.intern(long_text)->get_allocator().resource(), &arena_);
    const auto h = c.intern(std::pmr::string("another text that a string does not keep inside of itself"));
    EXPECT_EQ(h->get_allocator().resource(), &arena_);
}

struct fixed { // neither copied nor moved, and takes no allocator
    explicit fixed(int n) : number(n) {}
    fixed(const fixed&) = delete;
    fixed& operator=(const fixed&) = delete;
    int number;
};

TEST_F(arenas, build_all_else_in_place) {
    in_arena<int, fixed> c({.allocator = &arena_});
    EXPECT_EQ(c.intern(1, [] { return fixed(1); })->number, 1);
}

TEST_F(arenas, lose_nothing_when_they_are_exhausted) {
    for (long n = 0; n < 12; ++n) {
        arena_.fail_after(n);
        try {
            in_arena<std::pmr::string, std::pmr::string> c({.allocator = &arena_});
            (void)c.intern(long_text, [] { return std::pmr::string(long_text); });
        } catch (const std::bad_alloc&) {
        }
    }
    EXPECT_EQ(arena_.bytes_out(), 0U);
}

} // namespace
} // namespace ibid
