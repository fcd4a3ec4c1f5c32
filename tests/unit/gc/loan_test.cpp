// SPDX-License-Identifier: Apache-2.0
//
// gc::loan: an object of a pool that returns when the collector finds its loan dead.
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "../pool/tracked.h"
#include "collected.h"
#include "ibid/gc.h"
#include "ibid/pool.h"

namespace {

using ibid_test::by_accident;
using ibid_test::collect;
using ibid_test::elsewhere;
using ibid_test::life_counts;
using ibid_test::make_tracked;
using ibid_test::many;
using ibid_test::roots;
using ibid_test::tracked;

TEST(collected_loan, goes_home_when_the_collector_finds_it_unreachable) {
    static life_counts l; // outlives accidents
    ibid::pool<tracked> p(make_tracked(l));
    elsewhere([&] {
        for (int i = 0; i < many; ++i) {
            const ibid::gc::loan<tracked> a = ibid::gc::take(p);
            a->uses = 1;
        }
    });
    EXPECT_EQ(p.statistics().idle, 0u);
    collect();
    EXPECT_GE(p.statistics().idle, many - by_accident);
    EXPECT_EQ(p.take()->uses, 1);
    EXPECT_EQ(l.born, many);
}

TEST(collected_loan, stays_while_it_is_reachable) {
    static life_counts l; // outlives accidents
    ibid::pool<tracked> p(make_tracked(l));
    roots<ibid::gc::loan<tracked>, many> kept;
    elsewhere([&] {
        for (std::size_t i = 0; i < many; ++i) {
            kept[i] = ibid::gc::take(p);
        }
    });
    collect();
    EXPECT_EQ(p.statistics().idle, 0u);
    elsewhere([&] { EXPECT_EQ(kept[0]->number, 0); }); // this thread's stack must never have seen a token
    kept.clear();
    collect();
    EXPECT_GE(p.statistics().idle, many - by_accident);
}

TEST(collected_loan, released_early_goes_home_once) {
    static life_counts l; // outlives accidents
    ibid::pool<tracked> p(make_tracked(l));
    const ibid::gc::loan<tracked> a = ibid::gc::take(p);
    const ibid::gc::loan<tracked> b = a;
    EXPECT_TRUE(a.release());
    EXPECT_FALSE(b.release());
    EXPECT_THROW((void)b->uses, ibid::gc::released);
    EXPECT_EQ(p.statistics().idle, 1u);
    collect();
    EXPECT_EQ(p.statistics().idle, 1u);
}

TEST(collected_loan, may_be_made_of_an_ordinary_one) {
    static life_counts l; // outlives accidents
    ibid::pool<tracked> p(make_tracked(l));
    ibid::loan<tracked> ordinary = p.take();
    tracked* const object = ordinary.get();
    const ibid::gc::loan<tracked> a(std::move(ordinary));
    EXPECT_FALSE(ordinary); // NOLINT(bugprone-use-after-move): that is the question
    EXPECT_EQ(a.get(), object);
}

TEST(collected_loan, runs_the_reset_hook_where_the_finalizers_run) {
    ibid::pool<std::string> p([] { return std::string(); }, [](std::string& s) { s.clear(); });
    elsewhere([&] {
        for (int i = 0; i < many; ++i) {
            ibid::gc::take(p)->assign("dirty");
        }
    });
    collect();
    EXPECT_GE(p.statistics().idle, many - by_accident);
    EXPECT_EQ(*p.take(), "");
}

TEST(collected_loan, that_outlives_its_pool_ends_its_object) {
    static life_counts l; // outlives accidents
    auto p = std::make_unique<ibid::pool<tracked>>(make_tracked(l));
    elsewhere([&] {
        for (int i = 0; i < many; ++i) {
            (void)ibid::gc::take(*p);
        }
    });
    p.reset();
    EXPECT_EQ(l.alive(), many);
    collect();
    EXPECT_LE(l.alive(), static_cast<int>(by_accident));
}

TEST(collected_loan, dropped_ten_thousand_times_needs_few_objects) {
    static life_counts l; // outlives accidents
    ibid::pool<tracked> p(make_tracked(l), ibid::pool_budget::unlimited());
    elsewhere([&] {
        for (int i = 0; i < 10'000; ++i) {
            (void)ibid::gc::take(p);
            if (i % 100 == 99) {
                collect();
            }
        }
    });
    collect();
    EXPECT_LE(l.born, 250);
    EXPECT_EQ(p.statistics().made - p.statistics().ended, static_cast<std::uint64_t>(l.alive()));
}

} // namespace
