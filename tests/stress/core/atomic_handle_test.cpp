// SPDX-License-Identifier: Apache-2.0
//
// Threads that load, store, exchange and replace one published handle at once. The tracked values abort the
// run if one ends while a handle refers to it, or ends twice; the test checks that each ends.
#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "disturbance.h"
#include "ibid/atomic_handle.h"
#include "ibid/cache.h"
#include "support/crew.h"
#include "support/tracked_value.h"

namespace ibid {
namespace {

using namespace ibid::testing;

constexpr std::size_t threads = 4;
constexpr int keys = 3;

void use(probe_cache& c, atomic_handle<tracked_value>& published, std::size_t seed, int steps) {
    dice d(seed);
    std::vector<held> mine(300); // more references than the handle holds in advance
    for (int step = 0; step < steps; ++step) {
        held& slot = mine[d(300)];
        switch (d(32)) {
        case 0:
            published.store(intern(c, static_cast<int>(d(keys))));
            break;
        case 1:
            slot = held(published.exchange(intern(c, static_cast<int>(d(keys)))));
            break;
        case 2: {
            handle<tracked_value> expected = slot.get();
            if (published.compare_exchange_strong(expected, intern(c, static_cast<int>(d(keys))))) {
                slot.drop();
            } else {
                slot = held(std::move(expected));
            }
            break;
        }
        case 3:
            published.store(d(4) == 0 ? handle<tracked_value>() : slot.get());
            break;
        case 4:
            mine.clear();
            mine.resize(300);
            break;
        default:
            slot = held(published.load());
            stumble();
            if (slot) {
                slot->check(slot->key());
            }
        }
    }
}

TEST(published_handles, are_read_and_replaced_by_many_threads_and_end_exactly) {
    clear_books();
    const disturbed hooks;
    crew all(threads);
    probe_cache c;
    for (int round = 0; round < 10; ++round) {
        {
            atomic_handle<tracked_value> published;
            all.run([&](std::size_t i) {
                use(c, published, static_cast<std::size_t>(round) * threads + i + 1, 4000);
            });
        }
        EXPECT_EQ(c.statistics().entries, 0U);
        for (const life& l : lives) {
            ASSERT_EQ(l.alive(), 0U);
        }
    }
}

// Only loads, so that the references held in advance are used up as fast as possible.
TEST(published_handles, never_run_out) {
    clear_books();
    crew all(threads);
    probe_cache c;
    {
        atomic_handle<tracked_value> published(intern(c, 1));
        all.run([&](std::size_t) {
            std::vector<handle<tracked_value>> mine;
            for (int i = 0; i < 20000; ++i) {
                mine.push_back(published.load());
                ASSERT_EQ(mine.back().get(), mine.front().get());
            }
        });
    }
    EXPECT_EQ(alive(1), 0U);
}

} // namespace
} // namespace ibid
