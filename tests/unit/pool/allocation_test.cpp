// SPDX-License-Identifier: Apache-2.0
//
// Memory runs out at every allocation in turn: each time the caller gets bad_alloc or an object, and nothing
// leaks.
#include <new>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "failing_new.h"
#include "ibid/pool.h"
#include "tracked.h"

namespace {

using ibid_test::failed;
using ibid_test::life_counts;
using ibid_test::make_tracked;
using ibid_test::tracked;
using ibid_test::until_failure;

// Runs `f` with its first, second, third … allocation failing, each time on a new thread, until it makes
// fewer allocations.
template <class F>
void with_each_allocation_failing(F f) {
    bool more = true;
    for (int n = 0; more; ++n) {
        ASSERT_LT(n, 1000);
        std::thread([&] {
            f(n);
            more = failed;
        }).join();
    }
}

TEST(pool, that_cannot_be_made_says_so) {
    with_each_allocation_failing([](int n) {
        until_failure = n;
        try {
            const ibid::pool<int> p;
        } catch (const std::bad_alloc&) {
            EXPECT_TRUE(failed);
        }
        until_failure = -1;
    });
}

TEST(take, throws_bad_alloc_or_gives_an_object) {
    with_each_allocation_failing([](int n) {
        life_counts l;
        {
            ibid::pool<tracked> p(make_tracked(l));
            until_failure = n;
            try {
                const auto a = p.take();
                until_failure = -1;
                EXPECT_EQ(a->number, 0);
            } catch (const std::bad_alloc&) {
                until_failure = -1;
                EXPECT_EQ(l.born, 0);
            }
            EXPECT_EQ(p.take()->number, l.born > 1 ? 1 : 0);
            EXPECT_EQ(p.statistics().made - p.statistics().ended, p.statistics().idle);
        }
        EXPECT_EQ(l.alive(), 0);
    });
}

TEST(trim_and_return, need_no_memory) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l), {.objects = 50});
    std::vector<ibid::loan<tracked>> loans;
    loans.reserve(200);
    for (int i = 0; i < 200; ++i) {
        loans.push_back(p.take());
    }
    until_failure = 0;
    loans.clear();
    p.trim();
    const auto again = p.take();
    p.clear();
    EXPECT_FALSE(failed);
    until_failure = -1;
    EXPECT_EQ(l.alive(), 1);
}

} // namespace
