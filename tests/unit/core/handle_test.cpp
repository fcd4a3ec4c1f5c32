// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "support/tracked_value.h"

namespace ibid {
namespace {

using namespace ibid::testing;

static_assert(sizeof(handle<std::string>) == sizeof(void*));
static_assert(std::is_nothrow_move_constructible_v<handle<std::string>>);
static_assert(std::is_nothrow_copy_constructible_v<handle<std::string>>);
static_assert(std::is_nothrow_move_assignable_v<handle<std::string>>);
static_assert(std::is_same_v<decltype(*std::declval<handle<std::string>>()), const std::string&>);
static_assert(!std::is_convertible_v<handle<std::string>, bool>);
static_assert(!std::is_constructible_v<handle<std::string>, const std::string*>,
              "a handle comes from a cache");

class handles : public ::testing::Test {
protected:
    handles() { clear_books(); }
    probe_cache cache_;
};

TEST_F(handles, that_are_empty_point_at_nothing_and_are_equal) {
    const handle<std::string> a;
    const handle<std::string> b = nullptr;
    EXPECT_FALSE(a);
    EXPECT_EQ(a.get(), nullptr);
    EXPECT_EQ(a, b);
    EXPECT_EQ(a, nullptr);
}

TEST_F(handles, that_are_copied_stand_for_the_same_object) {
    const handle<tracked_value> a = intern(cache_, 1);
    const handle<tracked_value> b = a; // NOLINT(performance-unnecessary-copy-initialization)
    EXPECT_EQ(a, b);
    EXPECT_EQ(a.get(), &*b);
    EXPECT_EQ(a->key(), 1);
}

TEST_F(handles, that_are_moved_leave_an_empty_one_behind) {
    handle<tracked_value> a = intern(cache_, 1);
    const tracked_value* const value = a.get();
    handle<tracked_value> b = std::move(a);
    EXPECT_EQ(b.get(), value);
    EXPECT_FALSE(a); // NOLINT(bugprone-use-after-move)
    a = std::move(b);
    EXPECT_EQ(a.get(), value);
    EXPECT_FALSE(b); // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(alive(1), 1U);
}

TEST_F(handles, survive_assignment_to_themselves) {
    handle<tracked_value> a = intern(cache_, 1);
    handle<tracked_value>& same = a;
    a = same;
    EXPECT_EQ(a->key(), 1);
    a = std::move(same);
    EXPECT_EQ(a->key(), 1);
    EXPECT_EQ(died(1), 0U);
}

TEST_F(handles, drop_what_they_held_when_they_are_assigned_to) {
    handle<tracked_value> a = intern(cache_, 1);
    handle<tracked_value> b = intern(cache_, 2);
    a = b;
    EXPECT_EQ(alive(1), 0U);
    EXPECT_EQ(a, b);
    a = intern(cache_, 3);
    EXPECT_EQ(alive(2), 1U);
    a = nullptr;
    EXPECT_EQ(alive(3), 0U);
}

TEST_F(handles, swap_without_ending_anything) {
    handle<tracked_value> a = intern(cache_, 1);
    handle<tracked_value> b = intern(cache_, 2);
    swap(a, b);
    EXPECT_EQ(a->key(), 2);
    a.swap(b);
    EXPECT_EQ(a->key(), 1);
    EXPECT_EQ(died(1) + died(2), 0U);
}

TEST_F(handles, end_the_value_with_the_last_reset) {
    handle<tracked_value> a = intern(cache_, 1);
    handle<tracked_value> b = a;
    a.reset();
    EXPECT_EQ(alive(1), 1U);
    a.reset(); // an empty one: nothing happens
    b.reset();
    EXPECT_EQ(alive(1), 0U);
}

TEST_F(handles, of_equal_keys_in_different_caches_differ) {
    probe_cache other;
    const handle<tracked_value> a = intern(cache_, 1);
    const handle<tracked_value> b = intern(other, 1);
    EXPECT_NE(a, b);
    EXPECT_TRUE((a < b) != (b < a));
}

TEST_F(handles, are_keys_of_ordered_and_unordered_containers) {
    std::set<handle<tracked_value>> ordered;
    std::unordered_set<handle<tracked_value>> unordered;
    for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < 50; ++i) {
            ordered.insert(intern(cache_, i));
            unordered.insert(intern(cache_, i));
        }
    }
    EXPECT_EQ(ordered.size(), 50U);
    EXPECT_EQ(unordered.size(), 50U);
    EXPECT_EQ(ordered.count(intern(cache_, 7)), 1U);
    EXPECT_EQ(unordered.count(intern(cache_, 50)), 0U);
    EXPECT_EQ(cache_.statistics().entries, 50U);
}

TEST_F(handles, are_ordered_totally_by_identity) {
    std::vector<handle<tracked_value>> all;
    for (int i = 0; i < 20; ++i) {
        all.push_back(intern(cache_, i));
    }
    std::sort(all.begin(), all.end());
    for (std::size_t i = 0; i + 1 < all.size(); ++i) {
        EXPECT_TRUE(all[i] < all[i + 1]);
        EXPECT_TRUE(all[i] <= all[i + 1]);
        EXPECT_TRUE(all[i + 1] > all[i]);
        EXPECT_EQ(all[i] <=> all[i], std::strong_ordering::equal);
        EXPECT_TRUE(handle<tracked_value>() <
                    all[i]); // the empty handle has a position, too, and not in the middle
    }
    EXPECT_EQ(std::hash<handle<tracked_value>>()(all[3]),
              std::hash<handle<tracked_value>>()(intern(cache_, all[3]->key())));
}

TEST_F(handles, move_through_containers_without_touching_the_value) {
    std::vector<handle<tracked_value>> all;
    for (int i = 0; i < 200; ++i) {
        all.push_back(intern(cache_, i % 10));
    }
    all.erase(all.begin(), all.begin() + 190);
    EXPECT_EQ(cache_.statistics().entries, 10U);
    all.clear();
    EXPECT_EQ(cache_.statistics().entries, 0U);
}

} // namespace
} // namespace ibid
