// SPDX-License-Identifier: Apache-2.0
//
// Each object's entry is found by its address, and no other's, while others come and go.
#include "openssl/address_index.h"

#include <atomic>
#include <deque>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace ibid::openssl {
namespace {

struct thing {
    std::uint64_t anything[44]; // as large as an X509, so that addresses lie as theirs do
};

struct entry : stands_for<thing> {
    explicit entry(thing& o) : stands_for(&o) {}
};

using things = address_index<thing, entry>;

TEST(address_index, finds_what_is_inside_and_nothing_else) {
    things in;
    std::deque<thing> objects(3000);
    std::vector<std::unique_ptr<entry>> entries;
    for (thing& o : objects) {
        entries.push_back(std::make_unique<entry>(o));
    }
    std::vector<bool> inside(objects.size());
    std::minstd_rand random(7);
    for (int round = 0; round < 60'000; ++round) {
        // Up to all of them in the first half, down to none in the second: the index grows and gives back.
        const std::size_t i = random() % objects.size();
        const bool fills = round < 30'000 ? random() % 4 != 0 : random() % 4 == 0;
        if (fills && !inside[i]) {
            in.insert(*entries[i]);
            inside[i] = true;
        } else if (!fills) {
            ASSERT_EQ(in.erase(&objects[i]), inside[i] ? entries[i].get() : nullptr);
            inside[i] = false;
        }
        const std::size_t other = random() % objects.size();
        ASSERT_EQ(in.find(&objects[other]), inside[other] ? entries[other].get() : nullptr);
    }
    EXPECT_EQ(in.find(nullptr), nullptr);
}

// An object whose end nobody told, and then another at its address.
TEST(address_index, knows_the_latest_entry_of_an_address) {
    things in;
    thing o{};
    entry untold(o);
    entry latest(o);
    in.insert(untold);
    in.insert(latest);
    EXPECT_EQ(in.find(&o), &latest);
    EXPECT_EQ(in.erase(&o), &latest);
    EXPECT_EQ(in.find(&o), nullptr);
}

// What one thread has inserted and gives to another stays to be found, whatever moves around it.
TEST(address_index, threads_find_each_others_entries_while_others_come_and_go) {
    things in;
    std::deque<thing> lasting(64);
    std::deque<entry> entries;
    for (thing& o : lasting) {
        in.insert(entries.emplace_back(o));
    }
    std::atomic<std::size_t> wrong{0};
    {
        std::vector<std::jthread> crew;
        for (unsigned number = 0; number < 4; ++number) {
            crew.emplace_back([&, number] {
                std::deque<thing> own(500);
                std::deque<entry> of_own;
                for (thing& o : own) {
                    of_own.emplace_back(o);
                }
                for (std::size_t round = 0; round < 40; ++round) {
                    for (entry& e : of_own) {
                        in.insert(e);
                    }
                    for (std::size_t i = 0; i < own.size(); ++i) {
                        const std::size_t other = (i + number) % lasting.size();
                        wrong += in.find(&lasting[other]) != &entries[other];
                        wrong += in.erase(&own[i]) != &of_own[i];
                        wrong += in.find(&own[i]) != nullptr;
                    }
                }
            });
        }
    }
    EXPECT_EQ(wrong, 0U);
}

} // namespace
} // namespace ibid::openssl
