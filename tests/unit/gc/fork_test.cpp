// SPDX-License-Identifier: Apache-2.0
//
// fork() from a program with tokens and threads.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "collected.h"
#include "ibid/cache.h"
#include "ibid/gc.h"
#include "ibid/pool.h"
#include "support/in_child.h"

namespace {

using ibid_test::by_accident;
using ibid_test::collect;
using ibid_test::elsewhere;
using ibid_test::roots;

using ibid_test::name;
using ibid_test::table;

template <class F>
bool succeeds_in_child(F f) {
    return ibid::testing::in_child([&] { return f() ? 0 : 1; }) == 0;
}

// For a child that cannot make a thread (with a sanitizer): deep enough that later calls overwrite it.
[[gnu::noinline]] void make_and_drop(table& c, int from, int to) {
    for (int i = from; i < to; ++i) {
        (void)ibid_test::intern(c, i);
    }
}

TEST(fork, gives_the_child_tokens_and_collections_of_its_own) {
    table c;
    roots<name, 1> kept;
    elsewhere([&] {
        kept[0] = ibid::gc::intern(c, 1, [] { return "1"; });
        make_and_drop(c, 100, 200);
    });
    EXPECT_TRUE(succeeds_in_child([&] {
        collect();
        if (c.statistics().entries != 101 || *kept[0] != "1") {
            // Objects from before the fork() stay: a thread that the child does not have may hold a lock of
            // their cache.
            return false;
        }
        make_and_drop(c, 1000, 6000);
        collect();
        const bool gone = c.statistics().entries <= 101 + 10;
        return gone && kept[0].release() && !kept[0];
    }));
    EXPECT_EQ(c.statistics().entries, 101u) << "the parent's tables and tokens are its own";
    collect();
    EXPECT_LE(c.statistics().entries, 1 + by_accident);
}

TEST(fork, gives_the_child_loans_that_come_home) {
    ibid::gc::start();
    ibid::pool<std::string> pool([] { return std::string(); });
    elsewhere([&] {
        for (int i = 0; i < 100; ++i) {
            (void)ibid::gc::take(pool);
        }
    });
    EXPECT_TRUE(succeeds_in_child([&] {
        collect();
        return pool.statistics().idle >= 100 - by_accident;
    }));
}

TEST(fork, from_one_thread_while_others_make_tokens_and_collect) {
    ibid::gc::start();
    table mine;
    std::atomic<bool> stop{false};
    std::vector<std::jthread> threads;
    for (int t = 0; t < 2; ++t) {
        threads.emplace_back([&] {
            const ibid::gc::thread known;
            table theirs; // a cache's locks are not taken around fork(), so the child does not use it
            for (int i = 0; !stop; ++i) {
                (void)ibid::gc::intern(theirs, i % 100, [&] { return std::to_string(i); });
                if (i % 1000 == 0) {
                    collect();
                }
            }
        });
    }
    for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(succeeds_in_child([&] {
            make_and_drop(mine, 0, 3000);
            collect();
            return mine.statistics().entries <= 10;
        })) << "child "
            << i;
    }
    stop = true;
}

} // namespace
