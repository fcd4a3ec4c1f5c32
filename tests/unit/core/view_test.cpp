// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <type_traits>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "support/tracked_value.h"

namespace ibid {
namespace {

using namespace ibid::testing;

struct first_base {
    virtual ~first_base() = default;
    long a = 1;
};
struct second_base {
    virtual ~second_base() = default;
    [[nodiscard]] virtual int number() const { return 0; }
    long b = 2;
};
struct hidden_base {};
struct whole : first_base, second_base, private hidden_base {
    explicit whole(int k) : inner(k), name("whole " + std::to_string(k)) {}
    [[nodiscard]] int number() const override { return inner.key(); }
    tracked_value inner;
    std::string name;
};

static_assert(std::is_convertible_v<handle<whole>, view<second_base>>);
static_assert(std::is_convertible_v<handle<whole>, view<whole>>);
static_assert(std::is_convertible_v<handle<int>, view<int>>);
static_assert(std::is_convertible_v<view<whole>, view<first_base>>);
static_assert(!std::is_constructible_v<view<hidden_base>, handle<whole>>, "a private base is not accessible");
static_assert(!std::is_constructible_v<view<whole>, handle<first_base>>, "a base is not a derived");
static_assert(!std::is_constructible_v<view<std::string>, handle<whole>, std::string>,
              "a temporary is no part");
static_assert(!std::is_constructible_v<view<std::string>, handle<whole>, const char*>,
              "a temporary is no part");
static_assert(std::is_same_v<decltype(*std::declval<view<std::string>>()), const std::string&>);

class views : public ::testing::Test {
protected:
    views() { clear_books(); }
    handle<whole> make(int k) {
        return cache_.intern(k, [&] { return whole(k); });
    }
    cache<int, whole> cache_;
};

TEST_F(views, of_a_base_show_the_same_object) {
    const handle<whole> h = make(1);
    const view<second_base> base = h;
    EXPECT_EQ(base.get(), static_cast<const second_base*>(h.get()));
    EXPECT_EQ(base->number(), 1);
    EXPECT_EQ((*base).b, 2);
}

TEST_F(views, of_a_member_keep_the_whole_alive_and_end_it_when_they_go) {
    view<std::string> name;
    {
        const handle<whole> h = make(1);
        name = view<std::string>(h, h->name);
    }
    EXPECT_EQ(*name, "whole 1");
    EXPECT_EQ(alive(1), 1U);
    EXPECT_EQ(cache_.find(1)->name.data(), name->data()) << "the viewed value is still in the cache";
    name = {};
    EXPECT_EQ(alive(1), 0U);
    EXPECT_FALSE(cache_.find(1));
}

TEST_F(views, of_views_keep_the_whole_too) {
    view<first_base> base;
    view<std::string> name;
    {
        const view<whole> all = make(1);
        base = all;
        name = view<std::string>(all, all->name);
    }
    EXPECT_EQ(base->a, 1);
    base = {};
    EXPECT_EQ(*name, "whole 1");
}

TEST_F(views, of_an_empty_handle_are_empty) {
    const view<first_base> v = handle<whole>();
    EXPECT_FALSE(v);
    EXPECT_EQ(v.get(), nullptr);
    EXPECT_EQ(v, view<first_base>());
}

TEST_F(views, are_copied_moved_and_assigned_like_handles) {
    handle<whole> h = make(1);
    view<std::string> a(h, h->name);
    view<std::string> b = a;
    EXPECT_EQ(a, b);
    view<std::string> c = std::move(a);
    EXPECT_FALSE(a); // NOLINT(bugprone-use-after-move)
    a = c;
    view<std::string>& same = a;
    a = same;
    EXPECT_EQ(*a, "whole 1");
    a = b = c = {};
    EXPECT_EQ(alive(1), 1U);
    h.reset();
    EXPECT_EQ(alive(1), 0U);
}

TEST_F(views, outlive_the_cache) {
    view<std::string> name;
    {
        cache<int, whole> shorter;
        const handle<whole> h = shorter.intern(1, [] { return whole(1); });
        name = view<std::string>(h, h->name);
    }
    EXPECT_EQ(*name, "whole 1");
    name = {};
    EXPECT_EQ(alive(1), 0U);
}

} // namespace
} // namespace ibid
