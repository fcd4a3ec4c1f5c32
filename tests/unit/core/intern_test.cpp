// SPDX-License-Identifier: Apache-2.0
//
// Finding and making, on one thread.
#include <string>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "support/tracked_value.h"

namespace ibid {
namespace {

using namespace ibid::testing;

class interning : public ::testing::Test {
protected:
    interning() { clear_books(); }
    probe_cache cache_;
};

TEST_F(interning, equal_keys_gives_one_object) {
    const handle<tracked_value> a = intern(cache_, 1);
    const handle<tracked_value> b = intern(cache_, 1);
    EXPECT_EQ(a, b);
    EXPECT_EQ(&*a, &*b);
    EXPECT_EQ(born(1), 1U);
}

TEST_F(interning, different_keys_gives_different_objects) {
    const handle<tracked_value> a = intern(cache_, 1);
    const handle<tracked_value> b = intern(cache_, 2);
    EXPECT_NE(a, b);
    EXPECT_EQ(a->key(), 1);
    EXPECT_EQ(b->key(), 2);
}

TEST_F(interning, keys_whose_hashes_agree_gives_different_objects) {
    std::vector<handle<tracked_value>> all;
    for (int i = 0; i < 100; ++i) {
        all.push_back(intern(cache_, probe_key{i, 42}));
    }
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(all[static_cast<std::size_t>(i)]->key(), i);
        EXPECT_EQ(cache_.find(probe_key{i, 42}), all[static_cast<std::size_t>(i)]);
    }
    all.erase(all.begin() + 20, all.begin() + 80);
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(static_cast<bool>(cache_.find(probe_key{i, 42})), i < 20 || i >= 80);
    }
}

TEST_F(interning, does_not_call_make_for_what_is_there) {
    const handle<tracked_value> a = intern(cache_, 1);
    const handle<tracked_value> b = cache_.intern(probe_key{1}, []() -> tracked_value {
        ADD_FAILURE() << "made again";
        return tracked_value(1);
    });
    EXPECT_EQ(a, b);
}

TEST_F(interning, after_the_end_makes_anew) {
    (void)intern(cache_, 1);
    (void)intern(cache_, 1);
    EXPECT_EQ(born(1), 2U);
    EXPECT_EQ(alive(1), 0U);
}

TEST_F(interning, finds_what_is_there_and_makes_nothing_else) {
    EXPECT_FALSE(cache_.find(probe_key{1}));
    const handle<tracked_value> a = intern(cache_, 1);
    EXPECT_EQ(cache_.find(probe_key{1}), a);
    EXPECT_FALSE(cache_.find(probe_key{2}));
    EXPECT_EQ(born(1) + born(2), 1U);
}

TEST_F(interning, works_through_growth_and_shrinkage) {
    std::vector<handle<tracked_value>> all;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 2000; ++i) {
            all.push_back(intern(cache_, i));
        }
        for (int i = 0; i < 2000; ++i) {
            ASSERT_EQ(cache_.find(probe_key{i}), all[static_cast<std::size_t>(i)]);
        }
        while (all.size() > 3) {
            const int last = all.back()->key();
            all.pop_back();
            ASSERT_FALSE(cache_.find(probe_key{last}));
            ASSERT_EQ(cache_.find(probe_key{last / 2}), all[static_cast<std::size_t>(last / 2)]);
        }
        all.clear();
        ASSERT_EQ(cache_.statistics().entries, 0U);
    }
}

TEST_F(interning, of_a_pinned_entry_always_hits) {
    cache_.pin(intern(cache_, 1));
    EXPECT_EQ(alive(1), 1U);
    EXPECT_EQ(intern(cache_, 1)->key(), 1);
    EXPECT_EQ(born(1), 1U);
}

} // namespace
} // namespace ibid
