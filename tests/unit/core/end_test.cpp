// SPDX-License-Identifier: Apache-2.0
//
// Exact end: with the last handle, on its thread, before the drop returns, outside every lock.
#include <functional>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "support/gate.h"
#include "support/tracked_value.h"

namespace ibid {
namespace {

using namespace ibid::testing;

class end_of_value : public ::testing::Test {
protected:
    end_of_value() { clear_books(); }
    probe_cache cache_;
};

TEST_F(end_of_value, comes_before_the_drop_of_the_last_handle_returns) {
    handle<tracked_value> a = intern(cache_, 1);
    handle<tracked_value> b = a;
    a.reset();
    EXPECT_EQ(died(1), 0U);
    b.reset();
    EXPECT_EQ(died(1), 1U);
    EXPECT_EQ(cache_.statistics().entries, 0U);
    EXPECT_FALSE(cache_.find(probe_key{1}));
}

TEST_F(end_of_value, comes_on_the_thread_that_dropped_last) {
    std::thread::id ended_on;
    const with_hook at_end(on_death, [&](int) { ended_on = std::this_thread::get_id(); });
    handle<tracked_value> first = intern(cache_, 1);
    handle<tracked_value> last = first;
    std::thread dropper([&] {
        last.reset();
        EXPECT_EQ(ended_on, std::thread::id());
    });
    dropper.join();
    first.reset();
    EXPECT_EQ(ended_on, std::this_thread::get_id());

    handle<tracked_value> moved = intern(cache_, 2);
    std::thread other([h = std::move(moved)]() mutable { h.reset(); });
    const std::thread::id other_id = other.get_id();
    other.join();
    EXPECT_EQ(ended_on, other_id);
}

TEST_F(end_of_value, comes_after_the_entry_has_left) {
    const with_hook at_end(on_death, [&](int key) {
        EXPECT_FALSE(cache_.find(probe_key{key}));
        EXPECT_EQ(cache_.statistics().entries, 0U);
        int seen = 0;
        cache_.for_each([&](const probe_key&, const handle<tracked_value>&) { ++seen; });
        EXPECT_EQ(seen, 0);
    });
    (void)intern(cache_, 1);
    EXPECT_EQ(died(1), 1U);
}

TEST_F(end_of_value, may_intern_the_same_key_again) {
    handle<tracked_value> successor;
    const with_hook at_end(on_death, [&](int key) {
        if (!successor && born(key) == 1) {
            successor = intern(cache_, key);
        }
    });
    (void)intern(cache_, 1);
    ASSERT_TRUE(successor);
    EXPECT_EQ(cache_.find(probe_key{1}), successor);
    EXPECT_EQ(alive(1), 1U);
}

TEST_F(end_of_value, may_intern_and_drop_others_of_the_same_shard) {
    const with_hook at_end(on_death, [&](int key) {
        if (key < 10) {
            (void)intern(cache_, probe_key{key + 1, 7});
        }
    });
    (void)intern(cache_, probe_key{0, 7});
    for (int k = 0; k <= 10; ++k) {
        EXPECT_EQ(born(k), 1U);
        EXPECT_EQ(alive(k), 0U);
    }
}

// A value's destructor starts a thread that calls every member, and waits for it.
void use_everything_while_a_value_ends(probe_cache& cache, const std::function<void()>& end_a_value) {
    gate finished;
    std::thread other;
    bool first = true;
    {
        const with_hook at_end(on_death, [&](int) {
            if (!std::exchange(first, false)) {
                return;
            }
            other = std::thread([&] {
                const handle<tracked_value> h = intern(cache, probe_key{100, 7});
                EXPECT_EQ(cache.find(probe_key{100, 7}), h);
                (void)intern(cache, probe_key{1, 7});
                cache.for_each([](const probe_key&, const handle<tracked_value>&) {});
                cache.pin(h);
                const retention before = cache.retained();
                cache.retain({.bytes = 1 << 20, .entries = 10});
                cache.retain(before);
                cache.trim();
                (void)cache.statistics();
                finished.open();
            });
            finished.pass();
        });
        end_a_value();
        ASSERT_TRUE(other.joinable()) << "nothing ended";
        other.join();
    }
}

TEST_F(end_of_value, by_a_drop_comes_outside_every_lock) {
    handle<tracked_value> h = intern(cache_, probe_key{1, 7});
    use_everything_while_a_value_ends(cache_, [&] { h.reset(); });
}

TEST_F(end_of_value, by_a_trim_comes_outside_every_lock) {
    cache_.retain({.bytes = 1 << 20, .entries = 10});
    (void)intern(cache_, probe_key{1, 7});
    use_everything_while_a_value_ends(cache_, [&] { cache_.trim(); });
}

TEST_F(end_of_value, by_an_eviction_comes_outside_every_lock) {
    cache_.retain({.bytes = 1 << 20, .entries = 1});
    (void)intern(cache_, probe_key{1, 7});
    use_everything_while_a_value_ends(cache_, [&] { (void)intern(cache_, probe_key{2, 7}); });
}

TEST_F(end_of_value, by_a_smaller_budget_comes_outside_every_lock) {
    cache_.retain({.bytes = 1 << 20, .entries = 10});
    (void)intern(cache_, probe_key{1, 7});
    use_everything_while_a_value_ends(cache_, [&] { cache_.retain({}); });
}

TEST_F(end_of_value, by_end_of_value_of_for_each_comes_outside_every_lock) {
    handle<tracked_value> h = intern(cache_, probe_key{1, 7});
    use_everything_while_a_value_ends(
        cache_, [&] { cache_.for_each([&](const probe_key&, const handle<tracked_value>&) { h.reset(); }); });
}

TEST_F(end_of_value, by_an_exception_in_make_comes_outside_every_lock) {
    handle<tracked_value> h = intern(cache_, probe_key{1, 7});
    use_everything_while_a_value_ends(cache_, [&] {
        EXPECT_THROW((void)cache_.intern(probe_key{2, 7},
                                         [&]() -> tracked_value {
                                             h.reset();
                                             throw 1;
                                         }),
                     int);
    });
}

TEST_F(end_of_value, of_a_value_that_holds_the_next_ends_the_whole_chain) {
    struct link {
        tracked_value self;
        handle<link> next;
        link(int k, handle<link> n) : self(k), next(std::move(n)) {}
    };
    cache<int, link> chain;
    handle<link> head;
    for (int k = 0; k < 1000; ++k) {
        head = chain.intern(k, [&] { return link(k, head); });
    }
    EXPECT_EQ(chain.statistics().entries, 1000U);
    head.reset();
    EXPECT_EQ(chain.statistics().entries, 0U);
    EXPECT_EQ(alive(0), 0U);
}

TEST_F(end_of_value, comes_once_for_each_of_many_droppers) {
    for (int round = 0; round < 200; ++round) {
        handle<tracked_value> h = intern(cache_, 1);
        std::vector<handle<tracked_value>> copies(8, h);
        h.reset();
        std::thread a([&] { copies.erase(copies.begin(), copies.begin() + 4); });
        a.join();
        copies.clear();
        ASSERT_EQ(alive(1), 0U);
        ASSERT_EQ(born(1), static_cast<std::uint64_t>(round) + 1);
    }
}

} // namespace
} // namespace ibid
