// SPDX-License-Identifier: Apache-2.0
//
// Collections race with every other operation.
#include <atomic>
#include <cstddef>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "../../unit/gc/collected.h"
#include "ibid/cache.h"
#include "ibid/gc.h"
#include "race.h"

namespace {

using ibid_test::by_accident;
using ibid_test::collect;
using ibid_test::intern;
using ibid_test::name;
using ibid_test::race;
using ibid_test::roots;
using ibid_test::table;

TEST(race, of_collections_and_hits_stops_the_world_in_the_middle_of_a_lookup) {
    table c;
    roots<name, 64> kept;
    const auto hits = [&] {
        for (int i = 0; i < 64; ++i) {
            const name a = intern(c, i);
            EXPECT_EQ(*a, std::to_string(i));
        }
    };
    race(
        {hits, hits, collect},
        [&] {
            for (std::size_t i = 0; i < 64; ++i) {
                if (!kept[i]) {
                    kept[i] = intern(c, static_cast<int>(i));
                }
            }
        },
        [&] { EXPECT_EQ(c.statistics().entries, 64u); });
    EXPECT_EQ(c.statistics().misses, 64u) << "what a token keeps is never made again";
    kept.clear();
    collect();
    EXPECT_LE(c.statistics().entries, by_accident);
}

TEST(race, of_collections_and_stampedes_makes_each_key_once_at_a_time) {
    table c;
    std::atomic<int> making{0};
    int key = 0;
    const auto part = [&] {
        const name a = ibid::gc::intern(c, key, [&] {
            EXPECT_EQ(making.fetch_add(1), 0);
            (void)GC_MALLOC(64);
            if (key % 16 == 0) {
                collect(); // stops the threads that wait for this one
            }
            making.fetch_sub(1);
            return std::to_string(key);
        });
        EXPECT_EQ(*a, std::to_string(key));
    };
    race(
        {part, part, part}, [&] { ++key; }, [] {});
    collect();
    EXPECT_LE(c.statistics().entries, 3 * by_accident);
}

TEST(race, of_two_threads_that_collect_and_let_go_loses_nothing) {
    table c;
    int base = 0;
    const auto part = [&] {
        for (int i = 0; i < 50; ++i) {
            (void)intern(c, base + i);
        }
        collect();
    };
    race(
        {part, part}, [&] { base += 25; }, [] {});
    collect();
    EXPECT_LE(c.statistics().entries, 3 * by_accident);
    EXPECT_EQ(ibid::gc::statistics().waiting, 0u);
}

TEST(race, of_ends_of_threads_and_collections_keeps_the_books_right) {
    table c;
    const auto part = [&] {
        std::thread([&] {
            const ibid::gc::thread known;
            for (int i = 0; i < 20; ++i) {
                (void)intern(c, i);
            }
        }).join();
    };
    race(
        {part, collect}, [] {}, [] {});
    collect();
    EXPECT_LE(c.statistics().entries, 3 * by_accident);
    EXPECT_LE(ibid::gc::statistics().tokens, 10 * by_accident);
}

} // namespace
