// SPDX-License-Identifier: Apache-2.0
//
// Races: in each round, all threads leave a barrier together, and each does its part of one conflict.
#include <atomic>
#include <barrier>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/pool.h"

namespace {

constexpr int rounds = 2'000;

// An object that detects a second borrower: with two users at once, `inside` is wrong, and a sanitizer
// reports a race on `plain`.
struct exclusive {
    static inline std::atomic<int> alive{0};
    exclusive() { alive.fetch_add(1); }
    exclusive(const exclusive&) = delete;
    exclusive& operator=(const exclusive&) = delete;
    ~exclusive() {
        EXPECT_EQ(inside.load(), 0) << "destroyed while on loan";
        alive.fetch_sub(1);
    }
    void use() {
        EXPECT_EQ(inside.fetch_add(1), 0) << "two borrowers";
        ++plain;
        inside.fetch_sub(1);
    }
    std::atomic<int> inside{0};
    long plain = 0;
};

// Each part runs on its own thread, once in each round, all at the same time. `before` and `after` run alone,
// between rounds.
void race(std::vector<std::function<void()>> parts, const std::function<void()>& before,
          const std::function<void()>& after) {
    std::barrier gate(static_cast<std::ptrdiff_t>(parts.size()) + 1);
    std::vector<std::thread> threads;
    for (const std::function<void()>& part : parts) {
        threads.emplace_back([&gate, &part] {
            for (int i = 0; i < rounds; ++i) {
                gate.arrive_and_wait();
                part();
                gate.arrive_and_wait();
            }
        });
    }
    for (int i = 0; i < rounds; ++i) {
        before();
        gate.arrive_and_wait();
        gate.arrive_and_wait();
        after();
    }
    for (std::thread& t : threads) {
        t.join();
    }
}

void nothing() {}

TEST(race, of_takes_and_returns_on_all_threads_never_shares_an_object) {
    {
        ibid::pool<exclusive> p(ibid::pool_budget{.objects = 6});
        const auto part = [&] {
            auto a = p.take();
            auto b = p.take();
            a->use();
            b->use();
            a.end();
            auto c = p.take();
            c->use();
        };
        race({part, part, part, part}, nothing, nothing);
    }
    EXPECT_EQ(exclusive::alive, 0);
}

TEST(race, of_a_return_and_the_end_of_its_pool_destroys_the_object_once) {
    std::unique_ptr<ibid::pool<exclusive>> p;
    ibid::loan<exclusive> first;
    ibid::loan<exclusive> second;
    race(
        {[&] { first.end(); }, [&] { second.end(); }, [&] { p.reset(); }},
        [&] {
            p = std::make_unique<ibid::pool<exclusive>>();
            first = p->take();
            second = p->take();
        },
        [&] { EXPECT_EQ(exclusive::alive, 0); });
}

TEST(race, of_a_return_with_a_reset_hook_and_the_end_of_its_pool_keeps_the_hook_alive) {
    std::unique_ptr<ibid::pool<exclusive>> p;
    ibid::loan<exclusive> a;
    std::weak_ptr<int> inside;
    race(
        {[&] { a.end(); }, [&] { p.reset(); }},
        [&] {
            auto shared = std::make_shared<int>(0);
            inside = shared;
            p = std::make_unique<ibid::pool<exclusive>>([] { return exclusive(); },
                                                        [shared](exclusive& e) {
                                                            e.use();
                                                            ++*shared;
                                                        });
            a = p->take();
        },
        [&] {
            EXPECT_EQ(exclusive::alive, 0);
            EXPECT_TRUE(inside.expired()) << "the hooks end with pool and loans";
        });
}

TEST(race, of_trims_with_takes_and_returns_keeps_every_object_in_one_place) {
    {
        ibid::pool<exclusive> p;
        const auto user = [&] {
            auto a = p.take();
            a->use();
            a.end();
            auto b = p.take();
            b->use();
        };
        race({user, user, [&] { p.trim(); }, [&] { p.clear(); }}, nothing, [&] {
            const ibid::pool_statistics s = p.statistics();
            EXPECT_EQ(s.made - s.ended, s.idle);
            EXPECT_EQ(static_cast<std::size_t>(exclusive::alive.load()), s.idle);
        });
    }
    EXPECT_EQ(exclusive::alive, 0);
}

TEST(race, of_a_user_at_full_speed_and_drains_without_end_catches_it_at_every_instruction) {
    {
        ibid::pool<exclusive> p;
        std::atomic<bool> stop{false};
        std::vector<std::thread> drainers;
        for (int t = 0; t < 2; ++t) {
            drainers.emplace_back([&, t] {
                while (!stop) {
                    if (t == 0) {
                        p.trim();
                    } else {
                        const ibid::pool_statistics s = p.statistics();
                        EXPECT_LE(s.idle, s.made - s.ended);
                    }
                }
            });
        }
        for (int i = 0; i < 100 * rounds; ++i) {
            auto a = p.take();
            auto b = p.take();
            a->use();
            b->use();
            std::swap(a, b);
            a.end();
            const auto c = p.take();
            c->use();
        }
        stop = true;
        for (std::thread& t : drainers) {
            t.join();
        }
        const ibid::pool_statistics s = p.statistics();
        EXPECT_EQ(s.made - s.ended, s.idle);
    }
    EXPECT_EQ(exclusive::alive, 0);
}

TEST(race, of_the_end_of_threads_and_the_end_of_their_pool_loses_nothing) {
    for (int i = 0; i < rounds / 4; ++i) {
        auto p = std::make_unique<ibid::pool<exclusive>>();
        std::barrier gate(3);
        const auto part = [&] {
            { const auto a = p->take(); }
            gate.arrive_and_wait(); // from here on, this thread's end races with the pool's
        };
        std::thread a(part);
        std::thread b(part);
        gate.arrive_and_wait();
        p.reset();
        a.join();
        b.join();
        ASSERT_EQ(exclusive::alive, 0);
    }
}

TEST(race, of_the_end_of_threads_and_trims_loses_nothing) {
    ibid::pool<exclusive> p;
    for (int i = 0; i < rounds / 4; ++i) {
        std::barrier gate(3);
        const auto part = [&] {
            { const auto a = p.take(); }
            gate.arrive_and_wait();
        };
        std::thread a(part);
        std::thread b(part);
        gate.arrive_and_wait();
        p.trim();
        a.join();
        b.join();
        const ibid::pool_statistics s = p.statistics();
        ASSERT_EQ(s.made - s.ended, s.idle);
    }
    p.clear();
    EXPECT_EQ(exclusive::alive, 0);
}

TEST(race, of_factories_that_throw_and_trims_counts_right) {
    {
        std::atomic<int> turn{0};
        ibid::pool<exclusive> p([&] {
            if (turn.fetch_add(1) % 3 == 0) {
                throw std::runtime_error("no");
            }
            return exclusive();
        });
        const auto part = [&] {
            try {
                p.take()->use();
            } catch (const std::runtime_error&) { // NOLINT(bugprone-empty-catch): checked by the count below
            }
        };
        race({part, part, [&] { p.clear(); }}, nothing, [&] {
            const ibid::pool_statistics s = p.statistics();
            EXPECT_EQ(s.made - s.ended, s.idle);
        });
    }
    EXPECT_EQ(exclusive::alive, 0);
}

TEST(race, of_pools_that_begin_and_end_on_all_threads_keeps_their_numbers_apart) {
    const auto part = [] {
        ibid::pool<exclusive> p;
        auto a = p.take();
        ibid::pool<exclusive> q;
        auto b = q.take();
        a->use();
        b->use();
        std::swap(a, b); // each loan returns to its own pool, not to its neighbour's
    };
    race({part, part, part}, nothing, [&] { EXPECT_EQ(exclusive::alive, 0); });
}

} // namespace
