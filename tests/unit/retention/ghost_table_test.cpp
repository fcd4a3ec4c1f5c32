// SPDX-License-Identifier: Apache-2.0
//
// The ghost table: it may forget a few keys, and it uses no more memory than it was given.
#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>

#include "ibid/detail/retention/ghost_table.h"
#include "retention/traces.h"

namespace ibid::detail {
namespace {

std::uint64_t hash(std::uint64_t key) {
    return bench::mix(key + 1);
}

TEST(ghost_table, know_nobody_at_first) {
    const ghost_table none;
    EXPECT_FALSE(none.contains(hash(1), 100));
    EXPECT_FALSE(none.contains(0, 100));
}

TEST(ghost_table, are_the_last_that_went_and_none_that_went_before) {
    ghost_table g;
    for (std::uint64_t key = 0; key < 20; ++key) {
        g.remember(hash(key), 5);
        for (std::uint64_t other = 0; other < 30; ++other) {
            EXPECT_EQ(g.contains(hash(other), 5), other <= key && other + 5 > key)
                << other << " after " << key;
        }
    }
}

TEST(ghost_table, that_come_again_are_young_again) {
    ghost_table g;
    for (const std::uint64_t key : {1, 2, 3, 1, 4}) {
        g.remember(hash(key), 3);
    }
    EXPECT_TRUE(g.contains(hash(1), 3));
    EXPECT_FALSE(g.contains(hash(2), 3));
}

TEST(ghost_table, are_none_where_none_are_wanted) {
    ghost_table g;
    g.remember(hash(1), 0);
    EXPECT_FALSE(g.contains(hash(1), 0));
    g.remember(hash(2), 1);
    EXPECT_TRUE(g.contains(hash(2), 1));
    EXPECT_FALSE(g.contains(hash(2), 0));
}

TEST(ghost_table, of_a_larger_number_are_nearly_all_known) {
    for (const std::uint64_t limit : {100, 921, 3686, 100'000}) {
        ghost_table g;
        for (std::uint64_t key = 0; key < 3 * limit; ++key) {
            g.remember(hash(key), limit);
        }
        std::uint64_t known = 0;
        for (std::uint64_t key = 2 * limit; key < 3 * limit; ++key) {
            known += g.contains(hash(key), limit) ? 1 : 0;
        }
        EXPECT_GE(known, limit * 4 / 5) << limit;
        std::uint64_t mistaken = 0;
        for (std::uint64_t key = 0; key < 2 * limit; ++key) {
            mistaken += g.contains(hash(key), limit) ? 1 : 0;
        }
        EXPECT_LE(mistaken, limit / 100) << limit;
    }
}

TEST(ghost_table, survive_that_more_of_them_are_wanted) {
    ghost_table g;
    for (std::uint64_t key = 0; key < 2000; ++key) {
        g.remember(hash(key), key + 1);
    }
    std::uint64_t known = 0;
    for (std::uint64_t key = 0; key < 2000; ++key) {
        known += g.contains(hash(key), 2000) ? 1 : 0;
    }
    EXPECT_GE(known, 1600U);
}

} // namespace
} // namespace ibid::detail
