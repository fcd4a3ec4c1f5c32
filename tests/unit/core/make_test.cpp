// SPDX-License-Identifier: Apache-2.0
//
// What `make` may be, return, throw, and do while it runs.
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "support/gate.h"
#include "support/tracked_value.h"

namespace ibid {
namespace {

using namespace ibid::testing;

class make : public ::testing::Test {
protected:
    make() { clear_books(); }
    probe_cache cache_;
};

TEST_F(make, that_throws_reaches_the_caller_and_leaves_no_trace) {
    const handle<tracked_value> before = intern(cache_, 1);
    EXPECT_THROW((void)cache_.intern(probe_key{2}, []() -> tracked_value { throw std::runtime_error("no"); }),
                 std::runtime_error);
    EXPECT_FALSE(cache_.find(probe_key{2}));
    EXPECT_EQ(cache_.statistics().entries, 1U);
    EXPECT_EQ(cache_.find(probe_key{1}), before);
    EXPECT_EQ(intern(cache_, 2)->key(), 2) << "the next one tries again";
}

TEST_F(make, may_throw_what_is_no_exception_class) {
    EXPECT_THROW((void)cache_.intern(probe_key{2}, []() -> tracked_value { throw 42; }), int);
    EXPECT_EQ(intern(cache_, 2)->key(), 2);
}

struct fails_to_be_built {
    explicit fails_to_be_built(int) { throw std::length_error("no"); }
};

TEST_F(make, whose_result_cannot_become_a_value_leaves_no_trace) {
    cache<int, fails_to_be_built> c;
    EXPECT_THROW((void)c.intern(1, [] { return 7; }), std::length_error);
    EXPECT_EQ(c.statistics().entries, 0U);
}

TEST_F(make, may_answer_that_there_is_no_value) {
    cache<std::string, int> c;
    const auto none = []() -> std::optional<int> { return std::nullopt; };
    EXPECT_FALSE(c.intern("a", none));
    EXPECT_EQ(c.statistics().entries, 0U);
    EXPECT_FALSE(c.find("a"));
    const handle<int> h = c.intern("a", []() -> std::optional<int> { return 5; });
    EXPECT_EQ(*h, 5);
    EXPECT_EQ(c.intern("a", none), h);
}

TEST_F(make, may_answer_with_an_optional_of_what_only_moves) {
    cache<int, std::unique_ptr<int>> c;
    const auto h = c.intern(1, [] { return std::optional(std::make_unique<int>(3)); });
    EXPECT_EQ(**h, 3);
}

TEST_F(make, of_an_optional_value_gives_the_value_even_when_it_is_empty) {
    cache<int, std::optional<int>> c;
    const auto h = c.intern(1, []() -> std::optional<int> { return std::nullopt; });
    ASSERT_TRUE(h);
    EXPECT_FALSE(h->has_value());
}

TEST_F(make, is_given_the_key_when_it_asks_for_it) {
    cache<std::string, std::size_t> c;
    EXPECT_EQ(*c.intern("four", [](const std::string& key) { return key.size(); }), 4U);
    EXPECT_EQ(*c.intern(std::string_view("fourteen", 4), [](const auto& key) { return key.size(); }), 4U);
}

TEST_F(make, may_be_callable_only_once_and_only_move) {
    struct once {
        std::unique_ptr<int> n;
        int operator()() && { return *n; }
    };
    cache<int, int> c;
    EXPECT_EQ(*c.intern(1, once{std::make_unique<int>(9)}), 9);
}

TEST_F(make, may_intern_other_keys_in_the_same_cache) {
    // A chain that interns its issuers. All have the same hash, so they are in one shard.
    const auto chain = [&](auto& self, int k) -> handle<tracked_value> {
        return cache_.intern(probe_key{k, 7}, [&] {
            if (k < 20) {
                cache_.pin(self(self, k + 1));
            }
            return tracked_value(k);
        });
    };
    EXPECT_EQ(chain(chain, 0)->key(), 0);
    for (int k = 1; k <= 20; ++k) {
        EXPECT_EQ(alive(k), 1U);
    }
}

TEST_F(make, may_use_every_other_member_of_its_cache) {
    const handle<tracked_value> other = intern(cache_, probe_key{1, 7});
    const handle<tracked_value> h = cache_.intern(probe_key{2, 7}, [&] {
        EXPECT_EQ(cache_.find(probe_key{1, 7}), other);
        EXPECT_FALSE(cache_.find(probe_key{2, 7})) << "a value that is being made is not in the table yet";
        int seen = 0;
        cache_.for_each([&](const probe_key&, const handle<tracked_value>&) { ++seen; });
        EXPECT_EQ(seen, 1);
        cache_.retain({.bytes = 1 << 20, .entries = 10});
        cache_.trim();
        cache_.pin(other);
        EXPECT_EQ(cache_.statistics().entries, 1U);
        return tracked_value(2);
    });
    EXPECT_EQ(h->key(), 2);
}

TEST_F(make, runs_outside_every_lock) {
    gate finished;
    std::thread other;
    const handle<tracked_value> h = cache_.intern(probe_key{1, 7}, [&] {
        other = std::thread([&] {
            (void)intern(cache_, probe_key{2, 7});
            EXPECT_FALSE(cache_.find(probe_key{1, 7}));
            cache_.for_each([](const probe_key&, const handle<tracked_value>&) {});
            cache_.retain({.bytes = 1 << 20, .entries = 10});
            (void)intern(cache_, probe_key{3, 7});
            cache_.trim();
            finished.open();
        });
        finished.pass();
        return tracked_value(1);
    });
    other.join();
    EXPECT_EQ(h->key(), 1);
}

TEST_F(make, that_fails_on_one_thread_lets_each_waiter_try_for_itself) {
    constexpr std::size_t waiters = 3;
    // A waiter compares its key with the flight's, under the same lock under which it joins the flight.
    tally compared;
    gate all_wait;
    const with_hook at_equal(on_equal, [&](int) { compared.add(); });
    std::atomic<int> made{0};
    std::thread leader([&] {
        EXPECT_THROW((void)cache_.intern(probe_key{1},
                                         [&]() -> tracked_value {
                                             all_wait.open();
                                             compared.wait_for(waiters);
                                             throw std::runtime_error("no");
                                         }),
                     std::runtime_error);
    });
    all_wait.pass();
    std::vector<std::thread> crowd;
    std::vector<handle<tracked_value>> got(waiters);
    for (std::size_t i = 0; i < waiters; ++i) {
        crowd.emplace_back([&, i] {
            got[i] = cache_.intern(probe_key{1}, [&] {
                ++made;
                return tracked_value(1);
            });
        });
    }
    leader.join();
    for (std::thread& t : crowd) {
        t.join();
    }
    EXPECT_EQ(made, 1) << "the waiters share again, with one of them as leader";
    EXPECT_EQ(got[0], got[1]);
    EXPECT_EQ(got[1], got[2]);
}

TEST_F(make, that_gives_nothing_on_one_thread_lets_a_waiter_try_for_itself) {
    cache<probe_key, int, key_beside, probe_hash, probe_equal> c;
    gate in_make;
    tally compared;
    const with_hook at_equal(on_equal, [&](int) { compared.add(); });
    std::thread leader([&] {
        EXPECT_FALSE(c.intern(probe_key{1}, [&]() -> std::optional<int> {
            in_make.open();
            compared.wait_for(1);
            return std::nullopt;
        }));
    });
    in_make.pass();
    EXPECT_EQ(*c.intern(probe_key{1}, [] { return 6; }), 6);
    leader.join();
}

struct key_that_does_not_copy_twice {
    int id;
    static inline int copies_left = 0;
    explicit key_that_does_not_copy_twice(int i) : id(i) {}
    key_that_does_not_copy_twice(const key_that_does_not_copy_twice& other) : id(other.id) {
        if (copies_left-- == 0) {
            throw std::runtime_error("no copy");
        }
    }
    friend bool operator==(const key_that_does_not_copy_twice& a, const key_that_does_not_copy_twice& b) {
        return a.id == b.id;
    }
};
struct id_hash {
    std::uint64_t operator()(const key_that_does_not_copy_twice& k) const { return hash<int>()(k.id); }
};

TEST_F(make, whose_key_cannot_be_copied_leaves_no_trace_and_no_value) {
    using key = key_that_does_not_copy_twice;
    cache<key, tracked_value, key_beside, id_hash> c;
    key::copies_left = 0;
    EXPECT_THROW((void)c.intern(key(1), [] { return tracked_value(1); }), std::runtime_error);
    EXPECT_EQ(alive(1), 0U);
    EXPECT_EQ(c.statistics().entries, 0U);
    key::copies_left = 9;
    EXPECT_EQ(c.intern(key(1), [] { return tracked_value(1); })->key(), 1);
}

TEST_F(make, is_not_reached_when_the_hash_or_the_comparison_throws) {
    const handle<tracked_value> kept = intern(cache_, probe_key{1, 7});
    {
        const with_hook at_hash(on_hash, [](int) { throw std::runtime_error("hash"); });
        EXPECT_THROW((void)intern(cache_, 2), std::runtime_error);
        EXPECT_THROW((void)cache_.find(probe_key{1, 7}), std::runtime_error);
    }
    {
        const with_hook at_equal(on_equal, [](int) { throw std::runtime_error("equal"); });
        EXPECT_THROW((void)intern(cache_, probe_key{2, 7}), std::runtime_error);
        EXPECT_THROW((void)cache_.find(probe_key{1, 7}), std::runtime_error);
    }
    EXPECT_EQ(born(2), 0U);
    EXPECT_EQ(cache_.find(probe_key{1, 7}), kept);
    EXPECT_EQ(intern(cache_, probe_key{2, 7})->key(), 2);
}

} // namespace
} // namespace ibid
