// SPDX-License-Identifier: Apache-2.0
//
// The budget bounds the idle objects, for any order of events and any number of threads.
#include <algorithm>
#include <cstddef>
#include <latch>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/pool.h"
#include "tracked.h"

namespace {

using ibid_test::life_counts;
using ibid_test::make_tracked;
using ibid_test::tracked;

std::vector<ibid::loan<tracked>> take_many(ibid::pool<tracked>& p, std::size_t n) {
    std::vector<ibid::loan<tracked>> loans;
    for (std::size_t i = 0; i < n; ++i) {
        loans.push_back(p.take());
    }
    return loans;
}

class budget : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(of, budget, testing::Values(0, 1, 2, 3, 7, 31, 32, 33, 64, 65, 100, 1000));

TEST_P(budget, bounds_what_one_thread_leaves_idle) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l), {.objects = GetParam()});
    auto loans = take_many(p, 300);
    while (!loans.empty()) {
        loans.pop_back();
        EXPECT_LE(p.statistics().idle, GetParam());
    }
    EXPECT_EQ(p.statistics().idle, std::min<std::size_t>(300, GetParam()))
        << "and is fully used if there are enough objects";
    EXPECT_EQ(static_cast<std::size_t>(l.alive()), p.statistics().idle);
}

TEST_P(budget, bounds_what_many_threads_leave_idle) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l), {.objects = GetParam()});
    std::vector<std::thread> threads;
    constexpr int count = 8;
    std::latch returned(count);
    std::latch looked(1);
    for (int t = 0; t < count; ++t) {
        threads.emplace_back([&] {
            for (int round = 0; round < 20; ++round) {
                const auto loans = take_many(p, 40);
            }
            returned.count_down();
            looked.wait(); // these stay, so that the objects in this thread's cache count
        });
    }
    returned.wait();
    EXPECT_LE(p.statistics().idle, GetParam());
    looked.count_down();
    for (std::thread& t : threads) {
        t.join();
    }
    EXPECT_LE(p.statistics().idle, GetParam());
    EXPECT_EQ(static_cast<std::size_t>(l.alive()), p.statistics().idle);
}

TEST_P(budget, is_usable_by_any_thread_after_a_trim) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l), {.objects = GetParam()});
    std::latch filled(1);
    std::latch done(1);
    std::thread idler([&] { // holds part of the quota and then does nothing
        { const auto loans = take_many(p, 300); }
        filled.count_down();
        done.wait();
    });
    filled.wait();
    p.trim();
    p.trim();
    EXPECT_EQ(p.statistics().idle, 0u);
    { const auto loans = take_many(p, 300); }
    EXPECT_EQ(p.statistics().idle, std::min<std::size_t>(300, GetParam()));
    done.count_down();
    idler.join();
}

TEST(budget_of_one, still_saves_making_objects) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l), {.objects = 1});
    for (int i = 0; i < 10; ++i) {
        const auto a = p.take();
    }
    EXPECT_EQ(l.born, 1);
}

TEST(budget_of_none, makes_and_destroys_each_time) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l), {.objects = 0});
    for (int i = 0; i < 10; ++i) {
        const auto a = p.take();
    }
    EXPECT_EQ(l.born, 10);
    EXPECT_EQ(l.dead, 10);
}

TEST(unlimited_budget, keeps_all) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l), ibid::pool_budget::unlimited());
    { const auto loans = take_many(p, 5000); }
    EXPECT_EQ(p.statistics().idle, 5000u);
    { const auto loans = take_many(p, 5000); }
    EXPECT_EQ(l.born, 5000);
}

} // namespace
