// SPDX-License-Identifier: Apache-2.0
//
// trim() and clear(): which objects end, and when.
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/pool.h"
#include "tracked.h"

namespace {

using ibid_test::life_counts;
using ibid_test::make_tracked;
using ibid_test::tracked;

void fill(ibid::pool<tracked>& p, std::size_t n) {
    std::vector<ibid::loan<tracked>> loans;
    for (std::size_t i = 0; i < n; ++i) {
        loans.push_back(p.take());
    }
}

TEST(trim, once_drops_nothing_that_was_in_use_since_the_last) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    fill(p, 10);
    EXPECT_EQ(p.trim(), 0u);
    EXPECT_EQ(p.statistics().idle, 10u);
    EXPECT_EQ(p.statistics().old, 10u);
}

TEST(trim, twice_in_a_row_drops_everything) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    fill(p, 100); // more than one thread's cache keeps
    EXPECT_EQ(p.trim() + p.trim(), 100u);
    EXPECT_EQ(l.alive(), 0);
    EXPECT_EQ(p.statistics().ended, 100u);
}

TEST(trim, drops_what_the_time_between_two_calls_did_not_need) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    fill(p, 20);
    p.trim();
    fill(p, 3); // from the old generation, back into the new one
    EXPECT_EQ(l.born, 20);
    EXPECT_EQ(p.trim(), 17u);
    EXPECT_EQ(p.statistics().idle, 3u);
}

TEST(trim, keeps_a_steady_user_supplied) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    for (int i = 0; i < 100; ++i) {
        fill(p, 50);
        p.trim();
    }
    EXPECT_EQ(l.born, 50);
}

TEST(trim, of_an_empty_pool_does_nothing) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    EXPECT_EQ(p.trim(), 0u);
    EXPECT_EQ(p.clear(), 0u);
}

TEST(trim, does_not_touch_loans) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    const auto a = p.take();
    p.trim();
    p.trim();
    p.clear();
    EXPECT_EQ(l.alive(), 1);
}

TEST(take, prefers_the_fresh_generation) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    auto a = p.take(); // number 0
    auto b = p.take(); // number 1
    a.end();
    p.trim();
    b.end();
    EXPECT_EQ(p.take()->number, 1);
}

TEST(clear, drops_both_generations) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    fill(p, 60);
    p.trim();
    auto a = p.take();
    a.end();
    EXPECT_EQ(p.clear(), 60u);
    EXPECT_EQ(l.alive(), 0);
}

TEST(pool, works_on_after_it_was_cleared) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    fill(p, 5);
    p.clear();
    fill(p, 5);
    EXPECT_EQ(l.born, 10);
    fill(p, 5);
    EXPECT_EQ(l.born, 10);
}

} // namespace
