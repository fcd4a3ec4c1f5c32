// SPDX-License-Identifier: Apache-2.0
//
// Random traffic: threads make, share, release and drop tokens and collected loans, in collected objects that
// refer to each other, while the collector runs and a retention budget holds some values.
#include <atomic>
#include <cstddef>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "../../unit/gc/collected.h"
#include "ibid/cache.h"
#include "ibid/gc.h"
#include "ibid/pool.h"

namespace {

using ibid_test::collect;
using ibid_test::roots;

struct buffer {
    static inline std::atomic<int> alive{0};
    buffer() { alive.fetch_add(1); }
    buffer(const buffer&) = delete;
    buffer& operator=(const buffer&) = delete;
    ~buffer() { alive.fetch_sub(1); }
    std::atomic<int> borrowers{0};
};

// As in a program: collected objects, finalized in no order, on cycles.
struct connection {
    ibid::gc::active<std::string> peer;
    ibid::gc::loan<buffer> input;
    connection* neighbour = nullptr;
    int key = 0;
};

TEST(traffic, of_every_kind_keeps_values_alive_and_lets_all_go_in_the_end) {
    constexpr std::size_t slots = 200;
    ibid::cache<int, std::string> names({.retain = {.bytes = 1 << 16, .entries = 20}});
    ibid::pool<buffer> buffers([] { return buffer(); },
                               [](buffer& b) {
                                   EXPECT_EQ(b.borrowers.load(), 1);
                                   b.borrowers = 0;
                               });
    {
        roots<std::atomic<connection*>, slots> open;
        const auto work = [&](unsigned seed) {
            const ibid::gc::thread known;
            std::mt19937 random(seed);
            for (int i = 0; i < 20'000; ++i) {
                std::atomic<connection*>& slot = open[random() % slots];
                connection* const there = slot.load();
                switch (random() % 8) {
                case 0:
                case 1:
                case 2: {
                    const int key = static_cast<int>(random() % 100);
                    auto* const fresh = new (GC_MALLOC(sizeof(connection)))
                        connection{ibid::gc::intern(names, key, [&] { return std::to_string(key); }),
                                   ibid::gc::take(buffers), there, key};
                    EXPECT_EQ(fresh->input->borrowers.fetch_add(1), 0);
                    if (there != nullptr && random() % 2 == 0) {
                        there->neighbour = nullptr; // chains stay short
                    }
                    slot.store(fresh);
                    break;
                }
                case 3:
                    slot.store(nullptr);
                    break;
                case 4:
                    if (there != nullptr && random() % 4 == 0) {
                        there->peer.release();
                    }
                    break;
                default:
                    if (there != nullptr) {
                        try {
                            EXPECT_EQ(*there->peer.hold(), std::to_string(there->key));
                        } catch (
                            const ibid::gc::released&) { // NOLINT(bugprone-empty-catch): by another thread
                        }
                    }
                }
                if (i % 2000 == 0) {
                    collect();
                }
            }
        };
        std::vector<std::thread> threads;
        for (unsigned t = 0; t < 4; ++t) {
            threads.emplace_back(work, t);
        }
        for (std::thread& t : threads) {
            t.join();
        }
        for (std::size_t i = 0; i < slots; ++i) {
            open[i] = nullptr;
        }
    }
    collect();
    names.trim();
    EXPECT_LE(names.statistics().entries, 50u) << "a false pointer keeps a chain of neighbours";
    EXPECT_LE(buffers.statistics().made - buffers.statistics().ended - buffers.statistics().idle, 50u);
    EXPECT_EQ(ibid::gc::statistics().waiting, 0u);
}

} // namespace
