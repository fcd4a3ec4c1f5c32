// SPDX-License-Identifier: Apache-2.0
//
// Several threads, one step after another: where objects go when loans and threads end. The races are in
// tests/stress.
#include <atomic>
#include <latch>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/pool.h"
#include "tracked.h"

namespace {

using ibid_test::life_counts;
using ibid_test::make_tracked;
using ibid_test::tracked;

TEST(loan, taken_on_one_thread_may_end_on_another) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    auto a = p.take();
    std::thread([a = std::move(a)]() mutable { a.end(); }).join();
    EXPECT_EQ(p.statistics().idle, 1u);
    EXPECT_EQ(p.take()->number, 0);
}

TEST(thread, that_ends_leaves_its_idle_objects_to_the_others) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    std::thread([&] {
        std::vector<ibid::loan<tracked>> loans;
        for (int i = 0; i < 20; ++i) {
            loans.push_back(p.take());
        }
    }).join();
    EXPECT_EQ(p.statistics().idle, 20u);
    std::vector<ibid::loan<tracked>> loans;
    for (int i = 0; i < 20; ++i) {
        loans.push_back(p.take());
    }
    EXPECT_EQ(l.born, 20);
}

TEST(thread, that_ends_keeps_the_generations_apart) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    std::latch old(1);
    std::latch trimmed(1);
    std::thread t([&] {
        { const auto a = p.take(); }
        old.count_down();
        trimmed.wait();
    });
    old.wait();
    p.trim();
    trimmed.count_down();
    t.join();
    EXPECT_EQ(p.statistics().old, 1u);
    EXPECT_EQ(p.trim(), 1u);
}

TEST(thread, may_end_after_the_pool) {
    life_counts l;
    auto p = std::make_unique<ibid::pool<tracked>>(make_tracked(l));
    std::latch used(1);
    std::latch ended(1);
    std::thread t([&] {
        { const auto a = p->take(); }
        used.count_down();
        ended.wait();
        EXPECT_EQ(l.alive(), 0);
    });
    used.wait();
    p.reset();
    ended.count_down();
    t.join();
}

TEST(thread, may_return_a_loan_after_the_pool_has_ended) {
    life_counts l;
    auto p = std::make_unique<ibid::pool<tracked>>(make_tracked(l));
    std::latch taken(1);
    std::latch ended(1);
    std::thread t([&] {
        auto a = p->take();
        { const auto b = p->take(); } // so that this thread has a cache
        taken.count_down();
        ended.wait();
    });
    taken.wait();
    p.reset();
    ended.count_down();
    t.join();
    EXPECT_EQ(l.alive(), 0);
}

// Destroyed after the pool's own thread_local if it was constructed before that.
struct late_user {
    ibid::pool<tracked>* home = nullptr;
    ibid::loan<tracked> kept;
    ~late_user() {
        if (home != nullptr) {
            kept.end();
            const auto more = home->take();
        }
    }
};
thread_local late_user user_of_the_last_moment;

TEST(thread, may_use_a_pool_from_any_thread_local_destructor) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    std::thread([&] {
        user_of_the_last_moment.home = &p; // constructed first, destroyed last
        user_of_the_last_moment.kept = p.take();
        const auto other = p.take();
    }).join();
    EXPECT_EQ(p.statistics().idle, 2u);
    EXPECT_EQ(l.born, 2);
}

TEST(trim, reaches_what_lies_with_other_threads) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    std::latch filled(1);
    std::latch done(1);
    std::thread t([&] {
        { const auto a = p.take(); }
        filled.count_down();
        done.wait();
    });
    filled.wait();
    EXPECT_EQ(p.trim() + p.trim(), 1u);
    EXPECT_EQ(l.alive(), 0);
    done.count_down();
    t.join();
}

TEST(objects, that_always_return_on_another_thread_are_used_again) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    std::atomic<ibid::loan<tracked>*> hand{nullptr};
    constexpr int rounds = 5000;
    std::thread returner([&] {
        for (int i = 0; i < rounds; ++i) {
            ibid::loan<tracked>* got = nullptr;
            while ((got = hand.exchange(nullptr)) == nullptr) {
                std::this_thread::yield();
            }
            delete got;
        }
    });
    for (int i = 0; i < rounds; ++i) {
        auto* const give = new ibid::loan<tracked>(p.take());
        while (hand.load() != nullptr) {
            std::this_thread::yield();
        }
        hand.store(give);
    }
    returner.join();
    EXPECT_LE(l.born, 64 + 4) << "the returning thread's quota, and objects in between";
}

} // namespace
