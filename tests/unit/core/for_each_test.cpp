// SPDX-License-Identifier: Apache-2.0
//
// for_each(): visits the live entries.
#include <map>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "support/crew.h"
#include "support/gate.h"
#include "support/tracked_value.h"

namespace ibid {
namespace {

using namespace ibid::testing;

class for_each : public ::testing::Test {
protected:
    for_each() { clear_books(); }

    [[nodiscard]] std::map<int, handle<tracked_value>> all() const {
        std::map<int, handle<tracked_value>> seen;
        cache_.for_each([&](const probe_key& key, const handle<tracked_value>& h) {
            EXPECT_EQ(key.id, h->key());
            EXPECT_TRUE(seen.emplace(key.id, h).second) << "seen twice";
        });
        return seen;
    }

    probe_cache cache_;
};

TEST_F(for_each, of_an_empty_cache_calls_nothing) {
    EXPECT_TRUE(all().empty());
    (void)intern(cache_, 1);
    EXPECT_TRUE(all().empty());
}

TEST_F(for_each, shows_every_entry_once_active_retained_and_pinned) {
    cache_.retain({.bytes = 1 << 20, .entries = 10});
    (void)intern(cache_, 1);
    const handle<tracked_value> held_on = intern(cache_, 2);
    cache_.pin(intern(cache_, 3));
    const auto seen = all();
    EXPECT_EQ(seen.size(), 3U);
    EXPECT_EQ(seen.at(2), held_on);
}

TEST_F(for_each, gives_handles_that_may_be_kept) {
    std::vector<handle<tracked_value>> kept;
    {
        const handle<tracked_value> a = intern(cache_, 1);
        cache_.for_each([&](const probe_key&, const handle<tracked_value>& h) { kept.push_back(h); });
    }
    EXPECT_EQ(alive(1), 1U);
    EXPECT_EQ(cache_.find(probe_key{1}), kept.at(0));
}

TEST_F(for_each, keeps_nothing_after_it_returns) {
    std::vector<handle<tracked_value>> mine;
    for (int k = 0; k < 100; ++k) {
        mine.push_back(intern(cache_, k));
    }
    cache_.for_each([&](const probe_key&, const handle<tracked_value>&) { mine.clear(); });
    EXPECT_EQ(cache_.statistics().entries, 0U);
}

TEST_F(for_each, lets_its_function_use_the_cache) {
    const handle<tracked_value> a = intern(cache_, probe_key{1, 7});
    int calls = 0;
    cache_.for_each([&](const probe_key&, const handle<tracked_value>& h) {
        ++calls;
        EXPECT_EQ(intern(cache_, probe_key{1, 7}), h);
        cache_.pin(intern(cache_, probe_key{2, 7}));
        cache_.trim();
    });
    EXPECT_GE(calls, 1);
    EXPECT_EQ(all().size(), 2U);
}

TEST_F(for_each, passes_on_what_its_function_throws_and_lets_go_of_everything) {
    std::vector<handle<tracked_value>> mine;
    for (int k = 0; k < 100; ++k) {
        mine.push_back(intern(cache_, probe_key{k, 7}));
    }
    EXPECT_THROW(cache_.for_each([](const probe_key&, const handle<tracked_value>&) {
        throw std::runtime_error("enough");
    }),
                 std::runtime_error);
    mine.clear();
    EXPECT_EQ(cache_.statistics().entries, 0U);
}

TEST_F(for_each, does_not_show_what_is_ending) {
    handle<tracked_value> going = intern(cache_, probe_key{1, 7});
    const handle<tracked_value> staying = intern(cache_, probe_key{2, 7});
    gate ending;
    gate go_on;
    const with_hook at_end(on_death, [&](int) {
        ending.open();
        go_on.pass();
    });
    std::thread dropper([&] { going.reset(); });
    ending.pass();
    const auto seen = all();
    EXPECT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen.count(2), 1U);
    go_on.open();
    dropper.join();
}

TEST_F(for_each, shows_what_stays_while_others_come_and_go) {
    std::vector<held> staying;
    for (int k = 0; k < 50; ++k) {
        staying.emplace_back(intern(cache_, k));
    }
    crew threads(3);
    std::atomic<int> walking{1};
    threads.run([&](std::size_t i) {
        if (i == 0) {
            for (int round = 0; round < 200; ++round) {
                std::vector<int> seen(200, 0);
                cache_.for_each([&](const probe_key& key, const handle<tracked_value>& h) {
                    const held mine(h);
                    ++seen[static_cast<std::size_t>(key.id)];
                });
                for (std::size_t k = 0; k < 200; ++k) {
                    ASSERT_TRUE(k < 50 ? seen[k] == 1 : seen[k] <= 1) << k;
                }
            }
            walking = 0;
        } else {
            for (int k = 0; walking.load() == 1; k = (k + 1) % 150) {
                const held come_and_go(intern(cache_, 50 + k));
            }
        }
    });
    EXPECT_EQ(all().size(), 50U);
}

} // namespace
} // namespace ibid
