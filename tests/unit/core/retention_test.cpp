// SPDX-License-Identifier: Apache-2.0
//
// Bounded retention.
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "support/crew.h"
#include "support/tracked_value.h"

namespace {
struct heavy {
    std::size_t weight;
};
// Its weight cannot be computed while its number is negative.
struct unknown {
    int number;
    bool operator==(const unknown&) const = default;
};
} // namespace

template <>
struct ibid::weight_of<heavy> {
    std::size_t operator()(const heavy& h) const noexcept { return h.weight; }
};
template <>
struct ibid::weight_of<unknown> {
    std::size_t operator()(const unknown& u) const {
        return u.number < 0 ? throw std::runtime_error("no weight") : sizeof u;
    }
};

namespace ibid {
namespace {

using namespace ibid::testing;

static_assert(retention{}.none());
static_assert(retention{.bytes = 1, .entries = 0}.none());
static_assert(retention{.bytes = 0, .entries = 1}.none());
static_assert(!retention{.bytes = 1, .entries = 1}.none());
static_assert(retention{.bytes = 1, .entries = 2} == retention{.bytes = 1, .entries = 2});

constexpr std::size_t plenty = 1 << 20;

class retained_entries : public ::testing::Test {
protected:
    retained_entries() { clear_books(); }
    [[nodiscard]] std::size_t still_there(int keys) const {
        std::size_t n = 0;
        for (int k = 0; k < keys; ++k) {
            n += alive(k);
        }
        return n;
    }
    probe_cache cache_;
};

TEST_F(retained_entries, is_none_unless_it_is_granted) {
    EXPECT_TRUE(cache_.retained().none());
    (void)intern(cache_, 1);
    EXPECT_EQ(alive(1), 0U);
    cache_.retain({.bytes = plenty, .entries = 0});
    (void)intern(cache_, 1);
    cache_.retain({.bytes = 0, .entries = 10});
    (void)intern(cache_, 1);
    EXPECT_EQ(alive(1), 0U);
}

TEST_F(retained_entries, lets_a_key_that_comes_back_hit) {
    cache_.retain({.bytes = plenty, .entries = 10});
    (void)intern(cache_, 1);
    EXPECT_EQ(alive(1), 1U);
    EXPECT_TRUE(cache_.find(probe_key{1}));
    (void)intern(cache_, 1);
    EXPECT_EQ(born(1), 1U);
    EXPECT_EQ(cache_.statistics().hits, 2U);
}

TEST_F(retained_entries, can_be_granted_from_the_start) {
    probe_cache c({.retain = {.bytes = plenty, .entries = 3}});
    EXPECT_EQ(c.retained(), (retention{.bytes = plenty, .entries = 3}));
    (void)intern(c, 1);
    EXPECT_EQ(alive(1), 1U);
}

TEST_F(retained_entries, never_counts_more_entries_than_granted) {
    cache_.retain({.bytes = plenty, .entries = 10});
    for (int k = 0; k < 100; ++k) {
        (void)intern(cache_, k);
        ASSERT_LE(still_there(100), 10U);
    }
    EXPECT_EQ(still_there(100), 10U);
    EXPECT_EQ(cache_.statistics().retained, 10U);
    EXPECT_EQ(cache_.statistics().active, 0U);
}

TEST_F(retained_entries, never_weighs_more_than_granted) {
    cache<int, heavy> c;
    const std::size_t overhead = [&] {
        c.retain({.bytes = plenty, .entries = 10});
        (void)c.intern(0, [] { return heavy{0}; });
        return static_cast<std::size_t>(c.statistics().retained_bytes);
    }();
    c.retain({});
    EXPECT_EQ(c.statistics().retained_bytes, 0U);
    c.retain({.bytes = 3 * (1000 + overhead), .entries = 100});
    for (int k = 0; k < 50; ++k) {
        (void)c.intern(k, [] { return heavy{1000}; });
        ASSERT_LE(c.statistics().retained, 3U);
        ASSERT_EQ(c.statistics().retained_bytes, c.statistics().retained * (1000 + overhead));
    }
    EXPECT_EQ(c.statistics().retained, 3U);
    (void)c.intern(50, [&] { return heavy{3000 + 2 * overhead}; }); // weighs as much as all three
    EXPECT_EQ(c.statistics().retained, 1U);
    EXPECT_TRUE(c.find(50));
}

TEST_F(retained_entries, is_not_for_what_is_too_heavy_alone_and_costs_others_nothing) {
    cache<int, heavy> c({.retain = {.bytes = 10000, .entries = 100}});
    (void)c.intern(1, [] { return heavy{10}; });
    (void)c.intern(2, [] { return heavy{10001}; });
    (void)c.intern(3, [] { return heavy{std::numeric_limits<std::size_t>::max()}; });
    EXPECT_TRUE(c.find(1));
    EXPECT_FALSE(c.find(2));
    EXPECT_FALSE(c.find(3));
}

TEST_F(retained_entries, without_a_limit_in_bytes_still_refuses_the_largest_weight) {
    cache<int, heavy> c({.retain = {.bytes = std::numeric_limits<std::size_t>::max(), .entries = 4}});
    (void)c.intern(1, [] { return heavy{10}; });
    (void)c.intern(2, [] { return heavy{std::numeric_limits<std::size_t>::max() / 2}; });
    (void)c.intern(3, [] { return heavy{std::numeric_limits<std::size_t>::max() / 2}; });
    (void)c.intern(4, [] { return heavy{std::numeric_limits<std::size_t>::max() / 2}; });
    const ibid::statistics s = c.statistics();
    EXPECT_LE(s.retained, 3U) << "the sum of weights must not run over";
}

TEST_F(retained_entries, shrinks_before_a_smaller_budget_is_acknowledged) {
    cache_.retain({.bytes = plenty, .entries = 100});
    for (int k = 0; k < 100; ++k) {
        (void)intern(cache_, k);
    }
    EXPECT_EQ(still_there(100), 100U);
    cache_.retain({.bytes = plenty, .entries = 37});
    EXPECT_EQ(still_there(100), 37U);
    EXPECT_EQ(cache_.retained(), (retention{.bytes = plenty, .entries = 37}));
    const std::size_t each = cache_.statistics().retained_bytes / 37;
    cache_.retain({.bytes = 5 * each, .entries = 100});
    EXPECT_EQ(still_there(100), 5U);
    cache_.retain({});
    EXPECT_EQ(still_there(100), 0U);
}

TEST_F(retained_entries, grows_with_the_budget) {
    cache_.retain({.bytes = plenty, .entries = 1});
    (void)intern(cache_, 1);
    cache_.retain({.bytes = plenty, .entries = 3});
    (void)intern(cache_, 2);
    (void)intern(cache_, 3);
    EXPECT_EQ(still_there(10), 3U);
}

TEST_F(retained_entries, ends_with_a_trim_and_begins_again_after_it) {
    cache_.retain({.bytes = plenty, .entries = 100});
    const handle<tracked_value> mine = intern(cache_, 0);
    for (int k = 1; k < 60; ++k) {
        (void)intern(cache_, k);
    }
    cache_.trim();
    EXPECT_EQ(still_there(60), 1U) << "what a handle holds stays";
    EXPECT_EQ(cache_.find(probe_key{0}), mine);
    EXPECT_EQ(cache_.statistics().entries, 1U);
    EXPECT_FALSE(cache_.retained().none());
    (void)intern(cache_, 1);
    EXPECT_EQ(alive(1), 1U);
}

TEST_F(retained_entries, of_what_a_handle_held_through_a_trim_is_granted_at_the_next_hit) {
    cache_.retain({.bytes = plenty, .entries = 100});
    handle<tracked_value> mine = intern(cache_, 1);
    cache_.trim();
    (void)intern(cache_, 1);
    mine.reset();
    EXPECT_EQ(alive(1), 1U);
}

TEST_F(retained_entries, ends_with_a_trim_even_when_destructors_intern_in_turn) {
    // The destructor of each value interns another one, which the budget retains: trim() ends only the
    // entries that it found.
    cache_.retain({.bytes = plenty, .entries = 1000});
    for (int k = 0; k < 100; ++k) {
        (void)intern(cache_, k);
    }
    const with_hook at_end(on_death, [&](int key) { (void)intern(cache_, (key + 100) % 200); });
    cache_.trim();
    for (int k = 0; k < 100; ++k) {
        EXPECT_EQ(alive(k), 0U);
        EXPECT_EQ(alive(k + 100), 1U);
    }
}

TEST_F(retained_entries, does_not_touch_what_is_pinned) {
    cache_.retain({.bytes = plenty, .entries = 2});
    cache_.pin(intern(cache_, 1));
    for (int k = 2; k < 50; ++k) {
        (void)intern(cache_, k);
    }
    cache_.trim();
    cache_.retain({});
    EXPECT_EQ(alive(1), 1U);
    EXPECT_EQ(still_there(50), 1U);
    cache_.pin(handle<tracked_value>()); // pins nothing
}

TEST_F(retained_entries, spares_the_key_that_was_hit_before_the_one_that_was_not) {
    cache_.retain({.bytes = plenty, .entries = 8});
    for (int k = 0; k < 8; ++k) {
        (void)intern(cache_, k);
    }
    for (int k = 0; k < 8; k += 2) {
        (void)intern(cache_, k); // a hit
    }
    for (int k = 100; k < 104; ++k) {
        (void)intern(cache_, k);
    }
    for (int k = 0; k < 8; k += 2) {
        EXPECT_EQ(alive(k), 1U) << k << " was hit and must outlive those that were not";
    }
}

TEST_F(retained_entries, of_the_newest_is_not_the_first_to_end) {
    // Two alternating keys must get hits, after a working set that is no longer used.
    cache_.retain({.bytes = plenty, .entries = 16});
    for (int k = 0; k < 16; ++k) {
        (void)intern(cache_, k);
        (void)intern(cache_, k); // the old working set even had hits
    }
    for (int round = 0; round < 20; ++round) {
        (void)intern(cache_, 100);
        (void)intern(cache_, 101);
    }
    EXPECT_LE(born(100) + born(101), 6U);
}

TEST_F(retained_entries, of_what_was_hit_outlives_any_number_of_keys_that_come_once) {
    cache_.retain({.bytes = plenty, .entries = 16});
    for (int k = 0; k < 8; ++k) {
        (void)intern(cache_, k);
        (void)intern(cache_, k);
    }
    for (int k = 100; k < 1100; ++k) {
        (void)intern(cache_, k);
    }
    EXPECT_EQ(still_there(8), 8U);
}

TEST_F(retained_entries, of_a_key_that_comes_back_soon_is_as_good_as_of_one_that_was_hit) {
    cache_.retain({.bytes = plenty, .entries = 16});
    for (int k = 0; k < 20; ++k) {
        (void)intern(cache_, k);
    }
    EXPECT_EQ(alive(0), 0U);
    (void)intern(cache_, 0); // its ghost is found
    for (int k = 100; k < 1100; ++k) {
        (void)intern(cache_, k);
    }
    EXPECT_EQ(alive(0), 1U);
}

TEST_F(retained_entries, remembers_nobody_through_a_trim_or_a_change_of_the_budget) {
    for (const bool by_trim : {true, false}) {
        cache_.retain({.bytes = plenty, .entries = 16});
        for (int k = 0; k < 20; ++k) {
            (void)intern(cache_, k);
        }
        ASSERT_EQ(alive(0), 0U);
        by_trim ? cache_.trim() : cache_.retain({.bytes = plenty, .entries = 15});
        (void)intern(cache_, 0); // a first-timer like any other
        for (int k = 100; k < 1100; ++k) {
            (void)intern(cache_, k);
        }
        EXPECT_EQ(alive(0), 0U);
        cache_.retain({});
    }
}

TEST_F(retained_entries, of_what_is_not_hit_any_more_ends) {
    cache_.retain({.bytes = plenty, .entries = 16});
    for (int k = 0; k < 16; ++k) {
        for (int i = 0; i < 10; ++i) {
            (void)intern(cache_, k);
        }
    }
    for (int k = 100; k < 300; ++k) { // another working set, with as many hits
        (void)intern(cache_, k);
        (void)intern(cache_, k);
    }
    EXPECT_EQ(still_there(16), 0U);
}

TEST_F(retained_entries, is_not_exceeded_at_any_moment_that_another_thread_could_see) {
    constexpr std::size_t entries = 20;
    cache_.retain({.bytes = plenty, .entries = entries});
    (void)intern(cache_, 999);
    const std::size_t each = cache_.statistics().retained_bytes;
    const std::size_t bytes = 15 * each;
    cache_.retain({.bytes = bytes, .entries = entries});
    crew threads(3);
    std::atomic<int> at_work{2};
    threads.run([&](std::size_t i) {
        if (i < 2) {
            for (int k = 0; k < 3000; ++k) {
                (void)intern(cache_, static_cast<int>(i) * 1000 + k % 500);
            }
            --at_work;
        } else {
            while (at_work.load() > 0) {
                const ibid::statistics s = cache_.statistics();
                ASSERT_LE(s.retained, entries);
                ASSERT_LE(s.retained_bytes, bytes);
            }
        }
    });
}

TEST(weights, count_what_a_container_of_plain_elements_owns) {
    EXPECT_EQ(weight_of<int>()(7), sizeof(int));
    std::string text;
    text.reserve(1000);
    EXPECT_GE(weight_of<std::string>()(text), sizeof(std::string) + 1000);
    std::vector<long> numbers;
    numbers.reserve(100);
    EXPECT_EQ(weight_of<std::vector<long>>()(numbers), sizeof numbers + 100 * sizeof(long));
}

TEST(weights, that_throw_keep_a_value_from_being_retained_and_do_nothing_else) {
    cache<unknown, unknown> c({.retain = {.bytes = plenty, .entries = 10}});
    for (int n = -2; n < 0; ++n) {
        const auto h = c.intern(unknown{n}, [n] { return unknown{n}; });
        EXPECT_EQ(c.find(unknown{n}), h); // a hit asks for the weight once more
    }
    EXPECT_TRUE(c.empty());
    (void)c.intern(unknown{1}, [] { return unknown{1}; });
    (void)c.intern(unknown{2}, [] { return unknown{-2}; }); // the value alone
    (void)c.intern(unknown{-2}, [] { return unknown{2}; }); // the key alone
    EXPECT_EQ(c.size(), 1U);
    EXPECT_TRUE(c.contains(unknown{1}));
    cache<unknown, unknown, key_is_value> own({.retain = {.bytes = plenty, .entries = 10}});
    (void)own.intern(unknown{-1});
    (void)own.intern(unknown{1});
    EXPECT_EQ(own.size(), 1U);
}

TEST(weights, include_the_key_that_stands_beside) {
    cache<std::string, int> c({.retain = {.bytes = plenty, .entries = 10}});
    (void)c.intern(std::string(5000, 'k'), [] { return 1; });
    EXPECT_GE(c.statistics().retained_bytes, 5000 + sizeof(int));
}

} // namespace
} // namespace ibid
