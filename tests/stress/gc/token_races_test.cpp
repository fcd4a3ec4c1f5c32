// SPDX-License-Identifier: Apache-2.0
//
// Tokens that several threads use at once. No collection runs here, so that ThreadSanitizer can check it.
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

using ibid_test::intern;
using ibid_test::name;
using ibid_test::race;
using ibid_test::roots;
using ibid_test::table;

const bool without_collections = [] {
    ibid::gc::start();
    GC_disable();
    return true;
}();

TEST(race, of_releases_on_all_threads_has_one_winner) {
    table c;
    roots<name, 1> shared;
    std::atomic<int> winners{0};
    const auto part = [&] { winners += shared[0].release() ? 1 : 0; };
    race(
        {part, part, part},
        [&] {
            winners = 0;
            shared[0] = intern(c, 1);
        },
        [&] {
            EXPECT_EQ(winners, 1);
            EXPECT_EQ(c.statistics().entries, 0u);
        });
}

TEST(race, of_a_release_and_those_who_want_to_hold_gives_them_the_value_or_an_error) {
    table c;
    roots<name, 1> shared;
    const auto holder = [&] {
        try {
            const ibid::handle<std::string> h = shared[0].hold();
            EXPECT_EQ(*h, "1");
        } catch (const ibid::gc::released&) { // NOLINT(bugprone-empty-catch): the other answer
        }
    };
    race(
        {holder, holder, [&] { EXPECT_TRUE(shared[0].release()); }}, [&] { shared[0] = intern(c, 1); },
        [&] {
            EXPECT_FALSE(shared[0]);
            EXPECT_EQ(c.statistics().entries, 0u);
        });
}

TEST(race, of_threads_that_make_and_release_keeps_every_slot_with_one_token) {
    table c;
    std::atomic<int> key{0};
    const auto part = [&] {
        const int mine = key.fetch_add(1);
        const name a = intern(c, mine);
        const name b = intern(c, -mine - 1);
        EXPECT_EQ(*a, std::to_string(mine));
        EXPECT_TRUE(b.release());
        EXPECT_EQ(*a.hold(), std::to_string(mine));
        EXPECT_TRUE(a.release());
    };
    race(
        {part, part, part, part}, [] {}, [&] { EXPECT_EQ(c.statistics().entries, 0u); });
}

TEST(race, of_ends_of_threads_hands_pages_on) {
    table c;
    const auto part = [&] {
        std::thread([&] {
            const ibid::gc::thread known;
            for (int i = 0; i < 5; ++i) {
                EXPECT_TRUE(intern(c, i).release());
            }
        }).join();
    };
    race(
        {part, part}, [] {}, [&] { EXPECT_EQ(c.statistics().entries, 0u); });
}

} // namespace
