// SPDX-License-Identifier: Apache-2.0
//
// The small members of cache, weak and view.
#include <map>
#include <string>
#include <unordered_set>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "ibid/weak.h"

namespace ibid {
namespace {

using names = cache<std::string, std::string>;

[[nodiscard]] handle<std::string> add(names& c, const char* key) {
    return c.intern(std::string(key), [key] { return std::string(key); });
}

TEST(caches, tell_what_they_hold) {
    names c;
    EXPECT_TRUE(c.empty());
    const auto a = add(c, "a");
    auto b = add(c, "b");
    EXPECT_EQ(c.size(), 2U);
    EXPECT_TRUE(c.contains("a"));
    EXPECT_FALSE(c.contains("c"));
    b.reset();
    EXPECT_FALSE(c.contains("b"));
    EXPECT_EQ(c.size(), 1U);
    EXPECT_FALSE(c.empty());
}

TEST(caches, forget_what_is_held_with_its_last_handle) {
    names c({.retain = {.bytes = 1 << 20, .entries = 10}});
    auto held = add(c, "held");
    c.pin(add(c, "pinned"));
    EXPECT_EQ(c.statistics().retained, 2U);
    EXPECT_TRUE(c.forget("held"));
    EXPECT_TRUE(c.forget("pinned"));
    EXPECT_EQ(c.statistics().retained, 0U);
    EXPECT_EQ(c.statistics().active, 2U);
    EXPECT_FALSE(c.forget("unknown"));
    held.reset();
    EXPECT_FALSE(c.contains("held"));
    EXPECT_TRUE(c.contains("pinned"));
}

TEST(caches, forget_what_only_the_budget_keeps) {
    names c;
    c.retain({.bytes = 1 << 20, .entries = 10});
    (void)add(c, "a");
    (void)add(c, "b");
    const auto held = add(c, "held");
    EXPECT_EQ(c.size(), 3U);
    EXPECT_TRUE(c.forget("a"));
    EXPECT_FALSE(c.contains("a"));
    EXPECT_FALSE(c.forget("a"));
    (void)c.forget("held");
    EXPECT_EQ(c.find("held"), held);
    EXPECT_TRUE(c.contains("b"));
}

TEST(weak_members, are_compared_hashed_and_ordered_by_what_they_refer_to) {
    names c;
    auto a = add(c, "a");
    const auto b = add(c, "b");
    weak<std::string> w = a;
    const weak<std::string> same(a);
    EXPECT_EQ(w, same);
    EXPECT_NE(w, weak<std::string>(b));
    EXPECT_EQ(std::unordered_set<weak<std::string>>({w, same, b}).size(), 2U);
    EXPECT_EQ((std::map<weak<std::string>, int>{{w, 1}, {same, 2}, {b, 3}}).size(), 2U);
    a.reset();
    EXPECT_EQ(w, same) << "also when the value has ended";
    w = b;
    EXPECT_EQ(w.lock(), b);
    w.reset();
    EXPECT_TRUE(w.expired());
    EXPECT_EQ(w, nullptr);
}

TEST(view_members, are_hashed_and_ordered_by_their_part) {
    names c;
    const auto a = add(c, "a");
    view<std::string> v(a);
    const view<std::string> same(a, *a);
    EXPECT_EQ(std::unordered_set<view<std::string>>({v, same}).size(), 1U);
    EXPECT_EQ(v <=> same, std::strong_ordering::equal);
    v.reset();
    EXPECT_FALSE(v);
    EXPECT_NE(v, same);
}

} // namespace
} // namespace ibid
