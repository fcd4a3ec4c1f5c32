// SPDX-License-Identifier: Apache-2.0
//
// ibid::intern(): the process-wide canonical copy.
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/intern.h"
#include "ibid/weak.h"
#include "support/gate.h"

namespace {

using ibid::testing::gate;
using ibid::testing::give_way_until;

// A value that lets other threads run while it is being moved from, and is empty afterwards, like moved
// values are.
struct slow_to_move {
    static inline gate* moving = nullptr;
    static inline gate* go_on = nullptr;
    int n;
    explicit slow_to_move(int i) : n(i) {}
    slow_to_move(const slow_to_move&) = default;
    slow_to_move(slow_to_move&& other) noexcept : n(other.n) {
        other.n = -1;
        if (moving != nullptr && !moving->is_open()) {
            moving->open();
            give_way_until([] { return go_on->is_open(); });
        }
    }
    bool operator==(const slow_to_move&) const = default;
};

} // namespace

template <>
struct std::hash<slow_to_move> {
    std::size_t operator()(const slow_to_move& s) const noexcept { return std::hash<int>()(s.n); }
};

namespace ibid {
namespace {

TEST(canonical_copies, of_equal_values_are_one) {
    const auto a = intern(std::string("ibidem"));
    const std::string lvalue = "ibidem";
    std::string other_lvalue = "ibidem";
    EXPECT_EQ(intern(lvalue), a);
    EXPECT_EQ(intern(other_lvalue), a);
    EXPECT_EQ(other_lvalue, "ibidem") << "an lvalue is copied";
    EXPECT_EQ(intern<std::string>("ibidem"), a);
    EXPECT_EQ(intern<std::string>(std::string_view("ibidem")), a);
    EXPECT_EQ(intern<std::string>(lvalue), a);
    EXPECT_EQ(intern<std::string>(std::string("ibidem")), a);
    static_assert(std::is_same_v<decltype(intern(lvalue)), handle<std::string>>);
    EXPECT_NE(intern(std::string("elsewhere")), a);
}

TEST(canonical_copies, of_different_types_are_apart) {
    const auto a = intern(1);
    const auto b = intern(1L);
    EXPECT_EQ(*a, *b);
    EXPECT_NE(static_cast<const void*>(a.get()), static_cast<const void*>(b.get()));
    EXPECT_EQ(intern(std::vector<int>{1, 2}), intern(std::vector<int>{1, 2}));
}

TEST(canonical_copies, end_with_their_last_handle) {
    auto a = intern(std::string("short-lived"));
    const weak<std::string> w(a);
    EXPECT_EQ(canonical<std::string>().find("short-lived"), a);
    a.reset();
    EXPECT_FALSE(w.lock());
    EXPECT_FALSE(canonical<std::string>().find("short-lived"));
}

TEST(canonical_copies, of_an_rvalue_are_one_though_others_come_while_it_is_moved) {
    // A thread that looks up while the value moves must not compare with the moved-from value: it would find
    // nothing, and make a second copy.
    gate moving;
    gate go_on;
    slow_to_move::moving = &moving;
    slow_to_move::go_on = &go_on;
    handle<slow_to_move> first;
    std::thread other([&] { first = intern(slow_to_move(5)); });
    moving.pass();
    const slow_to_move mine(5);
    const handle<slow_to_move> second = intern(mine);
    go_on.open();
    other.join();
    slow_to_move::moving = nullptr;
    EXPECT_EQ(first->n, 5);
    EXPECT_EQ(first, second);
    EXPECT_EQ(canonical<slow_to_move>().statistics().entries, 1U);
}

TEST(canonical_copies, are_there_until_the_process_ends) {
    // Dropped during static destruction, after the last use of canonical<…>(): that cache is never destroyed.
    static const handle<std::string> until_the_end = intern(std::string("until the end"));
    EXPECT_EQ(*until_the_end, "until the end");
}

} // namespace
} // namespace ibid
