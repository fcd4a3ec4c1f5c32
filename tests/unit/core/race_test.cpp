// SPDX-License-Identifier: Apache-2.0
//
// Single races, each forced at its narrowest point by a hook in the comparison, in make, or in a destructor.
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "ibid/weak.h"
#include "support/crew.h"
#include "support/gate.h"
#include "support/tracked_value.h"

namespace ibid {
namespace {

using namespace ibid::testing;

class race : public ::testing::Test {
protected:
    race() { clear_books(); }
    probe_cache cache_;
};

// Starts `meanwhile` on another thread while this thread, inside the cache, compares the key of an existing
// entry. Continues when `finished`, or when the other thread is blocked.
template <class Meanwhile, class Settled, class Then>
void during_a_comparison(Meanwhile meanwhile, Settled finished, Then then) {
    std::thread other;
    bool first = true;
    {
        const with_hook at_equal(on_equal, [&](int) {
            if (std::exchange(first, false)) {
                other = std::thread(meanwhile);
                give_way_until(finished);
            }
        });
        then();
        if (other.joinable()) {
            other.join();
        }
    }
    ASSERT_FALSE(first) << "nothing was compared";
}

TEST_F(race, of_a_hit_with_the_last_drop_gives_the_living_or_nothing) {
    for (int round = 0; round < 100; ++round) {
        handle<tracked_value> last = intern(cache_, 1);
        const weak<tracked_value> w(last);
        held found;
        during_a_comparison([&] { last.reset(); }, [&] { return w.expired(); },
                            [&] { found = held(cache_.find(probe_key{1})); });
        if (found) {
            found->check(1);
            ASSERT_EQ(alive(1), 1U);
            found.drop();
        }
        ASSERT_EQ(alive(1), 0U);
    }
}

TEST_F(race, of_an_insert_with_the_last_drop_gives_the_old_one_or_a_new_one_and_never_both) {
    for (int round = 0; round < 100; ++round) {
        clear_books();
        handle<tracked_value> last = intern(cache_, 1);
        const weak<tracked_value> w(last);
        held got;
        during_a_comparison([&] { last.reset(); }, [&] { return w.expired(); },
                            [&] { got = held(intern(cache_, 1)); });
        got->check(1);
        ASSERT_EQ(alive(1), 1U);
        ASSERT_LE(born(1), 2U);
        ASSERT_EQ(cache_.find(probe_key{1}), got.get());
    }
}

TEST_F(race, of_a_hit_with_a_trim_gives_the_living_or_nothing) {
    cache_.retain({.bytes = 1 << 20, .entries = 4});
    for (int round = 0; round < 100; ++round) {
        weak<tracked_value> w;
        { w = weak<tracked_value>(intern(cache_, 1)); }
        held found;
        during_a_comparison([&] { cache_.trim(); }, [&] { return w.expired(); },
                            [&] { found = held(cache_.find(probe_key{1})); });
        if (found) {
            ASSERT_EQ(w.lock(), found.get());
        } else {
            ASSERT_TRUE(w.expired());
        }
    }
}

TEST_F(race, of_a_hit_with_an_eviction_gives_the_living_or_nothing) {
    cache_.retain({.bytes = 1 << 20, .entries = 1});
    for (int round = 0; round < 100; ++round) {
        (void)intern(cache_, 1);
        held found;
        during_a_comparison([&] { (void)intern(cache_, 2 + round); }, [&] { return alive(1) == 0; },
                            [&] { found = held(cache_.find(probe_key{1})); });
        if (found) {
            found->check(1);
        }
        found.drop();
        ASSERT_LE(cache_.statistics().entries, 1U);
    }
}

// `waiters` threads miss a key that is being made. The leader's make returns when all of them have joined its
// flight: each has compared its key with the flight's under the lock under which it joins.
void stampede(probe_cache& cache, std::size_t waiters,
              const std::function<void(handle<tracked_value>)>& leader_then,
              const std::function<void(std::size_t, handle<tracked_value>)>& waiter_then) {
    tally compared;
    gate in_make;
    const with_hook at_equal(on_equal, [&](int) { compared.add(); });
    std::thread leader([&] {
        leader_then(cache.intern(probe_key{1}, [&] {
            in_make.open();
            compared.wait_for(waiters);
            return tracked_value(1);
        }));
    });
    in_make.pass();
    std::vector<std::thread> crowd;
    for (std::size_t i = 0; i < waiters; ++i) {
        crowd.emplace_back([&, i] { waiter_then(i, intern(cache, 1)); });
    }
    leader.join();
    for (std::thread& t : crowd) {
        t.join();
    }
}

TEST_F(race, of_many_for_one_missing_key_makes_once_and_shares) {
    std::vector<held> got(5);
    stampede(
        cache_, 4, [&](handle<tracked_value> h) { got[4] = held(std::move(h)); },
        [&](std::size_t i, handle<tracked_value> h) { got[i] = held(std::move(h)); });
    EXPECT_EQ(born(1), 1U);
    for (const held& h : got) {
        EXPECT_EQ(h.get(), got[0].get());
    }
}

TEST_F(race, of_a_stampede_whose_leader_drops_at_once_still_shares) {
    for (int round = 0; round < 20; ++round) {
        clear_books();
        std::vector<held> got(4);
        stampede(
            cache_, 4, [](handle<tracked_value> h) { h.reset(); },
            [&](std::size_t i, handle<tracked_value> h) { got[i] = held(std::move(h)); });
        ASSERT_EQ(born(1), 1U);
        ASSERT_EQ(alive(1), 1U);
        got.clear();
        ASSERT_EQ(alive(1), 0U);
    }
}

TEST_F(race, of_a_stampede_in_which_everybody_drops_at_once_ends_the_value_once) {
    for (int round = 0; round < 20; ++round) {
        clear_books();
        stampede(
            cache_, 4, [](handle<tracked_value> h) { h.reset(); },
            [](std::size_t, handle<tracked_value> h) { h.reset(); });
        ASSERT_EQ(born(1), 1U);
        ASSERT_EQ(died(1), 1U);
    }
}

TEST_F(race, of_a_key_whose_value_is_ending_makes_a_new_one_without_waiting_for_the_end) {
    handle<tracked_value> first = intern(cache_, 1);
    gate ending;
    gate go_on;
    const with_hook at_end(on_death, [&](int) {
        if (!ending.is_open()) {
            ending.open();
            go_on.pass();
        }
    });
    std::thread dropper([&] { first.reset(); });
    ending.pass();
    const handle<tracked_value> second = intern(cache_, 1); // the first one's destructor is still running
    EXPECT_EQ(alive(1), 2U) << "one without a holder, and one";
    go_on.open();
    dropper.join();
    EXPECT_EQ(alive(1), 1U);
    EXPECT_EQ(cache_.find(probe_key{1}), second) << "the end of the first did not remove the second";
}

TEST_F(race, of_the_last_two_drops_ends_the_value_exactly_once) {
    crew two(2);
    for (int round = 0; round < 2000; ++round) {
        clear_books();
        std::vector<handle<tracked_value>> both(2, intern(cache_, 1));
        two.run([&](std::size_t i) { both[i].reset(); });
        ASSERT_EQ(died(1), 1U);
    }
}

} // namespace
} // namespace ibid
