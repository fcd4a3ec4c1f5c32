// SPDX-License-Identifier: Apache-2.0
//
// Every figure is exact once the cache is quiet.
#include <stdexcept>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "support/crew.h"
#include "support/gate.h"
#include "support/tracked_value.h"

namespace ibid {
namespace {

using namespace ibid::testing;

class statistics_of_a_cache : public ::testing::Test {
protected:
    statistics_of_a_cache() { clear_books(); }
    probe_cache cache_;
};

TEST_F(statistics_of_a_cache, of_a_new_cache_are_all_zero) {
    const ibid::statistics s = cache_.statistics();
    EXPECT_EQ(s.hits + s.misses + s.evictions + s.detached + s.bytes_not_parsed, 0U);
    EXPECT_EQ(s.entries + s.retained + s.retained_bytes + s.active, 0U);
}

TEST_F(statistics_of_a_cache, tell_hits_misses_and_evictions_apart) {
    {
        const handle<tracked_value> a = intern(cache_, 1);         // a miss
        const handle<tracked_value> b = intern(cache_, 1);         // a hit
        const handle<tracked_value> c = cache_.find(probe_key{1}); // a hit
        EXPECT_FALSE(cache_.find(probe_key{2}));                   // makes nothing, and counts as nothing
        const handle<tracked_value> d = a;                         // no lookup
        const handle<tracked_value> e = intern(cache_, 3);         // a miss
        const ibid::statistics s = cache_.statistics();
        EXPECT_EQ(s.hits, 2U);
        EXPECT_EQ(s.misses, 2U);
        EXPECT_EQ(s.entries, 2U);
        EXPECT_EQ(s.active, 2U);
        EXPECT_EQ(s.evictions, 0U);
    }
    const ibid::statistics s = cache_.statistics();
    EXPECT_EQ(s.hits, 2U);
    EXPECT_EQ(s.misses, 2U);
    EXPECT_EQ(s.entries, 0U);
    EXPECT_EQ(s.active, 0U);
    EXPECT_EQ(s.evictions, 2U);
}

TEST_F(statistics_of_a_cache, count_a_failed_make_as_a_miss_and_no_entry) {
    EXPECT_THROW((void)cache_.intern(probe_key{1}, []() -> tracked_value { throw std::runtime_error("no"); }),
                 std::runtime_error);
    const ibid::statistics s = cache_.statistics();
    EXPECT_EQ(s.misses, 1U);
    EXPECT_EQ(s.entries, 0U);
    EXPECT_EQ(s.evictions, 0U);
}

TEST_F(statistics_of_a_cache, count_a_stampede_as_one_miss_and_hits_for_all_who_waited) {
    constexpr std::size_t waiters = 3;
    tally compared;
    gate in_make;
    const with_hook at_equal(on_equal, [&](int) { compared.add(); });
    handle<tracked_value> led;
    std::thread leader([&] {
        led = cache_.intern(probe_key{1}, [&] {
            in_make.open();
            compared.wait_for(waiters);
            return tracked_value(1);
        });
    });
    in_make.pass();
    std::vector<std::thread> crowd;
    std::vector<handle<tracked_value>> got(waiters);
    for (std::size_t i = 0; i < waiters; ++i) {
        crowd.emplace_back([&, i] { got[i] = intern(cache_, 1); });
    }
    leader.join();
    for (std::thread& t : crowd) {
        t.join();
    }
    const ibid::statistics s = cache_.statistics();
    EXPECT_EQ(s.misses, 1U);
    EXPECT_EQ(s.hits, waiters);
    EXPECT_EQ(s.entries, 1U);
}

TEST_F(statistics_of_a_cache, of_retained_entries_are_part_of_those_of_all_entries) {
    cache_.retain({.bytes = 1 << 20, .entries = 4});
    for (int k = 0; k < 10; ++k) {
        (void)intern(cache_, k);
    }
    ibid::statistics s = cache_.statistics();
    EXPECT_EQ(s.entries, 4U);
    EXPECT_EQ(s.retained, 4U);
    EXPECT_EQ(s.active, 0U);
    EXPECT_EQ(s.evictions, 6U);
    EXPECT_GT(s.retained_bytes, 0U);
    cache_.trim();
    s = cache_.statistics();
    EXPECT_EQ(s.entries + s.retained + s.retained_bytes, 0U);
    EXPECT_EQ(s.evictions, 10U);
}

TEST_F(statistics_of_a_cache, say_how_many_bytes_of_key_were_not_worked_through_again) {
    cache<std::string, int> texts;
    const handle<int> h = texts.intern(std::string(1000, 'x'), [] { return 1; });
    EXPECT_EQ(texts.statistics().bytes_not_parsed, 0U);
    (void)texts.intern(std::string(1000, 'x'), [] { return 2; });
    EXPECT_EQ(texts.find(std::string_view(std::string(1000, 'x'))), h);
    EXPECT_EQ(texts.statistics().bytes_not_parsed, 2000U);
}

TEST_F(statistics_of_a_cache, add_up_after_threads_have_worked) {
    constexpr int rounds = 4000;
    constexpr int keys = 40;
    crew threads(3);
    for (const retention budget : {retention{}, retention{.bytes = 1 << 20, .entries = 8}}) {
        cache_.retain(budget);
        const ibid::statistics before = cache_.statistics();
        threads.run([&](std::size_t i) {
            for (int r = 0; r < rounds; ++r) {
                const handle<tracked_value> h = intern(cache_, (r * 7 + static_cast<int>(i)) % keys);
            }
        });
        const ibid::statistics s = cache_.statistics();
        EXPECT_EQ(s.hits + s.misses - before.hits - before.misses, 3U * rounds)
            << "each lookup is one or the other";
        std::uint64_t made = 0;
        std::uint64_t ended = 0;
        for (int k = 0; k < keys; ++k) {
            made += born(k);
            ended += died(k);
        }
        EXPECT_EQ(s.misses, made);
        EXPECT_EQ(s.evictions, ended);
        EXPECT_EQ(s.entries, made - ended);
        EXPECT_EQ(s.retained, s.entries);
        EXPECT_LE(s.retained, budget.entries);
    }
}

TEST(counter_blocks, are_summed_over_all_stripes) {
    counter_block block;
    for (counter_stripe& stripe : block) {
        stripe.hits = 1;
        stripe.misses = 2;
        stripe.inserts = 5;
        stripe.evictions = 3;
        stripe.detached = 4;
        stripe.bytes_not_parsed = 10;
    }
    block[0].retained = 7;
    block[0].retained_bytes = 70;
    const statistics s = sum(block);
    EXPECT_EQ(s.hits, counter_stripes);
    EXPECT_EQ(s.misses, 2 * counter_stripes);
    EXPECT_EQ(s.evictions, 3 * counter_stripes);
    EXPECT_EQ(s.detached, 4 * counter_stripes);
    EXPECT_EQ(s.bytes_not_parsed, 10 * counter_stripes);
    EXPECT_EQ(s.entries, 2 * counter_stripes);
    EXPECT_EQ(s.retained, 7U);
    EXPECT_EQ(s.retained_bytes, 70U);
    EXPECT_EQ(s.active, 2 * counter_stripes - 7);
}

} // namespace
} // namespace ibid
