// SPDX-License-Identifier: Apache-2.0
//
// Random traffic: threads start and exit, take loans, pass them to each other, trim and count, and hooks
// fail.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/pool.h"

namespace {

struct worker_object {
    static inline std::atomic<int> alive{0};
    worker_object() { alive.fetch_add(1); }
    worker_object(const worker_object&) = delete;
    worker_object& operator=(const worker_object&) = delete;
    ~worker_object() { alive.fetch_sub(1); }
    std::atomic<int> borrowers{0};
    int uses = 0;
};

TEST(traffic, of_every_kind_leaves_the_books_balanced) {
    constexpr std::size_t budget = 48;
    {
        ibid::pool<worker_object> p([] { return worker_object(); },
                                    [](worker_object& o) {
                                        if (++o.uses % 97 == 0) {
                                            throw std::runtime_error("worn out");
                                        }
                                        return o.uses % 31 != 0;
                                    },
                                    {.objects = budget});
        std::mutex market_lock; // protects market
        std::vector<ibid::loan<worker_object>> market;
        std::atomic<bool> stop{false};

        const auto user = [&](unsigned seed) {
            std::mt19937 random(seed);
            std::vector<ibid::loan<worker_object>> mine;
            for (int i = 0; i < 3'000; ++i) {
                switch (random() % 5) {
                case 0:
                case 1:
                    mine.push_back(p.take());
                    EXPECT_EQ(mine.back()->borrowers.fetch_add(1), 0);
                    mine.back()->borrowers.fetch_sub(1);
                    break;
                case 2:
                    if (!mine.empty()) {
                        std::swap(mine[random() % mine.size()], mine.back());
                        mine.pop_back();
                    }
                    break;
                case 3:
                    if (!mine.empty()) {
                        const std::lock_guard lock(market_lock);
                        market.push_back(std::move(mine.back()));
                        mine.pop_back();
                    }
                    break;
                default: {
                    ibid::loan<worker_object> bought;
                    const std::lock_guard lock(market_lock);
                    if (!market.empty()) {
                        bought = std::move(market.back());
                        market.pop_back();
                    }
                }
                }
            }
        };
        std::thread keeper([&] {
            while (!stop) {
                EXPECT_LE(p.statistics().idle, budget);
                p.trim();
                std::this_thread::yield();
            }
        });
        for (unsigned wave = 0; wave < 4; ++wave) {
            std::vector<std::thread> users;
            for (unsigned t = 0; t < 6; ++t) {
                users.emplace_back(user, wave * 6 + t);
            }
            for (std::thread& t : users) {
                t.join();
            }
        }
        stop = true;
        keeper.join();
        market.clear();
        const ibid::pool_statistics s = p.statistics();
        EXPECT_EQ(s.made - s.ended, s.idle);
        EXPECT_EQ(static_cast<std::size_t>(worker_object::alive.load()), s.idle);
    }
    EXPECT_EQ(worker_object::alive, 0);
}

} // namespace
