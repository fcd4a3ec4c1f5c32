// SPDX-License-Identifier: Apache-2.0
//
// fork() from a program with threads: in the child every pool is consistent, and the child gets the objects
// in the caches of threads that it does not have.
#include <atomic>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/pool.h"
#include "support/in_child.h"
#include "tracked.h"

namespace {

using ibid_test::life_counts;
using ibid_test::make_tracked;
using ibid_test::tracked;

#if !defined(__has_feature)
#define __has_feature(x) 0 // NOLINT(bugprone-reserved-identifier): Clang's, absent in GCC
#endif
// ThreadSanitizer ends a child that starts threads; in a child, AddressSanitizer's allocator may stay locked
// for ever.
constexpr bool under_tsan =
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
    true;
#else
    false;
#endif
constexpr bool under_asan =
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
    true;
#else
    false;
#endif

template <class F>
bool succeeds_in_child(F f) {
    return ibid::testing::in_child([&] { return f() ? 0 : 1; }) == 0;
}

TEST(fork, hands_the_idle_objects_of_all_threads_to_the_child) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    auto mine = p.take();
    std::latch filled(1);
    std::latch done(1);
    std::thread t([&] {
        {
            std::vector<ibid::loan<tracked>> loans;
            for (int i = 0; i < 10; ++i) {
                loans.push_back(p.take());
            }
        }
        filled.count_down();
        done.wait();
    });
    filled.wait();
    mine.end();
    EXPECT_TRUE(succeeds_in_child([&] {
        const bool all = p.statistics().idle == 11;
        std::vector<ibid::loan<tracked>> loans;
        for (int i = 0; i < 11; ++i) {
            loans.push_back(p.take());
        }
        loans.clear();
        return all && l.born == 11 && p.trim() + p.trim() == 11 && l.alive() == 0;
    }));
    EXPECT_EQ(p.statistics().idle, 11u) << "and leaves the parent's alone";
    done.count_down();
    t.join();
}

TEST(fork, from_one_thread_while_others_take_return_trim_and_end_pools) {
    if (under_asan) {
        GTEST_SKIP() << "a child cannot allocate while the parent's threads do";
    }
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l), {.objects = 40});
    std::atomic<bool> stop{false};
    std::vector<std::jthread> threads;
    for (int t = 0; t < 2; ++t) {
        threads.emplace_back([&] {
            while (!stop) {
                std::vector<ibid::loan<tracked>> loans;
                for (int i = 0; i < 50; ++i) {
                    loans.push_back(p.take());
                }
            }
        });
    }
    threads.emplace_back([&] {
        while (!stop) {
            p.trim();
            ibid::pool<int> brief;
            const auto a = brief.take();
        }
    });
    for (int i = 0; i < 50; ++i) {
        EXPECT_TRUE(succeeds_in_child([&] {
            {
                std::vector<ibid::loan<tracked>> loans;
                for (int k = 0; k < 100; ++k) {
                    loans.push_back(p.take());
                }
                p.trim();
            }
            const bool bounded = p.statistics().idle <= 40;
            ibid::pool<int> fresh;
            { const auto a = fresh.take(); }
            if (!under_tsan) {
                std::thread([&] { const auto a = p.take(); }).join();
            }
            p.clear();
            return bounded && fresh.statistics().idle == 1 && p.statistics().idle == 0;
        })) << "child "
            << i;
    }
    stop = true;
}

TEST(fork, in_a_child_of_a_child_works_as_in_the_first) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    { const auto a = p.take(); }
    EXPECT_TRUE(succeeds_in_child([&] {
        return succeeds_in_child([&] {
            const auto a = p.take();
            return a->number == 0;
        });
    }));
}

TEST(loan, of_an_ended_pool_ends_in_the_child_as_in_the_parent) {
    life_counts l;
    auto p = std::make_unique<ibid::pool<tracked>>(make_tracked(l));
    auto a = p->take();
    p.reset();
    EXPECT_TRUE(succeeds_in_child([&] {
        a.end();
        return l.alive() == 0;
    }));
    EXPECT_EQ(l.alive(), 1);
}

} // namespace
