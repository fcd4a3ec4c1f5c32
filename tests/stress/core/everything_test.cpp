// SPDX-License-Identifier: Apache-2.0
//
// All operations at once on few keys, by more threads than processors; and repeated stampedes.
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include <gtest/gtest.h>

#include "disturbance.h"
#include "ibid/cache.h"
#include "ibid/weak.h"
#include "support/crew.h"
#include "support/tracked_value.h"

namespace ibid {
namespace {

using namespace ibid::testing;

constexpr std::size_t threads = 4;
constexpr int keys = 6;

struct mistake {};

// Threads exchange handles here, so that values are made on one thread and end on another.
class exchange {
public:
    held swap(std::size_t slot, held h) {
        const std::lock_guard lock(mutex_[slot]);
        std::swap(slots_[slot], h);
        return h;
    }
    void clear() {
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            swap(i, held()).drop();
        }
    }

private:
    std::array<std::mutex, 4> mutex_;
    std::array<held, 4> slots_;
};

// Half of the keys share one hash.
probe_key key_of(int k) {
    return {k, k % 2 == 0 ? 0U : 7U};
}

void do_everything(probe_cache& c, exchange& between, std::size_t seed, int steps) {
    dice d(seed);
    std::vector<held> mine(5);
    std::vector<weak<tracked_value>> seen(keys);
    for (int step = 0; step < steps; ++step) {
        const int k = static_cast<int>(d(keys));
        const probe_key key = key_of(k);
        held& slot = mine[d(5)];
        switch (d(16)) {
        case 0:
        case 1:
        case 2:
        case 3:
            slot = held(intern(c, key));
            slot->check(k);
            seen[static_cast<std::size_t>(k)] = weak<tracked_value>(slot.get());
            break;
        case 4:
        case 5:
            slot = held(c.find(key));
            break;
        case 6:
            slot.drop();
            break;
        case 7:
            slot = mine[d(5)];
            break;
        case 8:
            slot = held(seen[static_cast<std::size_t>(k)].lock());
            break;
        case 9:
        case 10:
            slot = between.swap(d(4), std::move(slot));
            break;
        case 11:
            try {
                slot = held(c.intern(key, []() -> tracked_value {
                    stumble();
                    throw mistake();
                }));
            } catch (const mistake&) {
            }
            break;
        case 12:
            // Chains of makes that need each other's keys, in any order: some form a cycle, none hangs.
            try {
                slot = held(c.intern(key, [&] {
                    held(intern(c, key_of((k + 1) % keys))).drop();
                    return tracked_value(k);
                }));
            } catch (const recursive_make&) {
            }
            break;
        case 13:
            c.for_each([](const probe_key& at, const handle<tracked_value>& h) {
                const held looked(h);
                looked->check(at.id);
            });
            break;
        case 14:
            if (d(4) == 0) {
                c.retain({.bytes = 1 << 20, .entries = d(4)});
            } else {
                c.trim();
            }
            break;
        default: {
            std::vector<held> many;
            for (int i = 0; i < 20; ++i) {
                many.emplace_back(intern(c, probe_key{100 + static_cast<int>(seed % 64) * 20 + i, 7}));
            }
        }
        }
        if (slot) {
            slot->check(slot->key());
        }
    }
}

TEST(everything, at_once_keeps_the_contracts) {
    clear_books();
    const disturbed hooks;
    crew all(threads);
    exchange between;
    for (int round = 0; round < 12; ++round) {
        auto c = std::make_unique<probe_cache>();
        all.run([&](std::size_t i) {
            do_everything(*c, between, static_cast<std::size_t>(round) * threads + i + 1, 1500);
        });
        if (round % 2 == 0) {
            between.clear(); // otherwise its handles outlive the cache
        }
        c->retain({});
        if (round % 2 == 0) {
            EXPECT_EQ(c->statistics().entries, 0U);
        }
        c.reset();
        between.clear();
        for (const life& l : lives) {
            ASSERT_EQ(l.alive(), 0U);
        }
    }
}

TEST(stampedes, on_one_key_after_another_make_each_value_once) {
    clear_books();
    const disturbed hooks;
    crew all(threads);
    probe_cache c;
    for (int k = 0; k < 1500; ++k) {
        std::vector<held> got(threads);
        all.run([&](std::size_t i) { got[i] = held(intern(c, k)); });
        ASSERT_EQ(born(k), 1U);
        for (const held& h : got) {
            ASSERT_EQ(h.get(), got[0].get());
        }
    }
}

TEST(stampedes, in_which_some_makes_throw_make_once_for_all_others) {
    clear_books();
    const disturbed hooks;
    crew all(threads);
    probe_cache c;
    for (int k = 0; k < 1500; ++k) {
        std::vector<held> got(threads);
        std::atomic<int> thrown{0};
        all.run([&](std::size_t i) {
            try {
                got[i] = held(c.intern(probe_key{k}, [&] {
                    stumble();
                    if (i % 2 == 0) {
                        throw mistake();
                    }
                    return tracked_value(k);
                }));
            } catch (const mistake&) {
                ASSERT_EQ(i % 2, 0U) << "an exception reaches only the thread whose make threw it";
                ++thrown;
            }
        });
        ASSERT_EQ(born(k), 1U);
        ASSERT_TRUE(got[1] && got[3]);
        ASSERT_EQ(got[1].get(), got[3].get());
        ASSERT_EQ((got[0] ? 0 : 1) + (got[2] ? 0 : 1), thrown.load());
    }
}

TEST(stampedes, in_which_everybody_drops_at_once_never_show_two_values) {
    clear_books();
    const disturbed hooks;
    crew all(threads);
    probe_cache c;
    all.run([&](std::size_t) {
        for (int round = 0; round < 4000; ++round) {
            held h(intern(c, 1));
            h->check(1);
            h.drop();
        }
    });
    EXPECT_EQ(alive(1), 0U);
    EXPECT_EQ(c.statistics().entries, 0U);
    EXPECT_EQ(c.statistics().misses, born(1));
}

TEST(rings, of_makes_that_need_each_other_never_hang) {
    clear_books();
    const disturbed hooks;
    crew all(threads);
    probe_cache c;
    std::atomic<int> refused{0};
    for (int round = 0; round < 600; ++round) {
        all.run([&](std::size_t i) {
            const auto ring = [&](auto& self, int k, int depth) -> handle<tracked_value> {
                return c.intern(probe_key{k}, [&] {
                    if (depth > 0) {
                        (void)self(self, (k + 1) % static_cast<int>(threads), depth - 1);
                    }
                    return tracked_value(k);
                });
            };
            try {
                (void)ring(ring, static_cast<int>(i), 3);
            } catch (const recursive_make&) {
                ++refused;
            }
        });
        ASSERT_EQ(c.statistics().entries, 0U);
    }
}

} // namespace
} // namespace ibid
