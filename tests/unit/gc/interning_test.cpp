// SPDX-License-Identifier: Apache-2.0
//
// Finalizers that run inside intern(). A `make` that allocates from the collector may start a collection,
// which may run finalizers on this thread; the values that they end may be in any shard of the same cache.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "collected.h"
#include "ibid/cache.h"
#include "ibid/gc.h"

namespace {

using ibid_test::by_accident;
using ibid_test::collect;
using ibid_test::elsewhere;
using ibid_test::many;

using table = ibid::cache<int, std::string>;
using name = ibid::gc::active<std::string>;

name intern(table& c, int key) {
    return ibid::gc::intern(c, key, [&] { return std::to_string(key); });
}

TEST(make, that_collects_ends_other_entries_of_its_cache_in_the_middle) {
    table c;
    for (int key = 0; key < 64; ++key) { // all shards, over time
        elsewhere([&] {
            for (int i = 0; i < 1000; ++i) {
                (void)intern(c, 1000 + i);
            }
        });
        std::uint64_t inside = 0;
        const ibid::handle<std::string> h = c.intern(key, [&] {
            collect();
            inside = c.statistics().entries;
            return std::string("made");
        });
        EXPECT_EQ(*h, "made");
        EXPECT_LE(inside, by_accident) << "unreachable tokens were released while the key was being made";
    }
}

TEST(make, that_collects_may_end_an_entry_of_its_own_key_in_another_cache) {
    table c;
    table d;
    elsewhere([&] {
        for (int i = 0; i < many; ++i) {
            (void)intern(d, i);
        }
    });
    elsewhere([&] {
        const name a = ibid::gc::intern(c, 1, [&] {
            collect();
            EXPECT_LE(d.statistics().entries, by_accident);
            return std::string("made");
        });
        EXPECT_EQ(*a, "made");
    });
}

TEST(make, that_collects_while_others_wait_for_it_is_shared_as_ever) {
    table c;
    elsewhere([&] {
        for (int i = 0; i < 1000; ++i) {
            (void)intern(c, 1000 + i);
        }
    });
    std::atomic<bool> making{false};
    std::atomic<int> makes{0};
    const auto make = [&] {
        ++makes;
        making = true;
        making.notify_all();
        // Waits until the other thread sleeps, waiting for this one, or almost; then a collection stops it.
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        collect();
        return std::string("once");
    };
    std::thread waiter([&] {
        const ibid::gc::thread known;
        making.wait(false);
        EXPECT_EQ(*ibid::gc::intern(c, 1, make), "once");
    });
    EXPECT_EQ(*ibid::gc::intern(c, 1, make), "once");
    waiter.join();
    EXPECT_LE(makes, 2);
}

TEST(make, may_keep_tokens_of_its_own_on_the_stack_through_a_collection) {
    table c;
    elsewhere([&] {
        const name outer = ibid::gc::intern(c, 1, [&] {
            const name inner = intern(c, 2);
            collect();
            return "outer of " + *inner;
        });
        collect();
        EXPECT_EQ(*outer, "outer of 2");
    });
}

} // namespace
