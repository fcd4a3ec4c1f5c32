// SPDX-License-Identifier: Apache-2.0
//
// A program whose collector is always disabled, as with Go's GOGC=off: everything works, and the cache is
// larger. The tests of tokens are in the same program.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include <gc/gc.h>
#include <gtest/gtest.h>

#include "collected.h"
#include "ibid/cache.h"
#include "ibid/gc.h"
#include "ibid/pool.h"
#include "support/in_child.h"

namespace {

using table = ibid::cache<int, std::string>;
using name = ibid::gc::active<std::string>;

const GC_word collections_of_the_start = [] {
    ibid::gc::start();
    GC_disable();
    return GC_get_gc_no();
}();

name intern(table& c, int key) {
    return ibid::gc::intern(c, key, [&] { return std::to_string(key); });
}

constexpr int count = 200'000; // more than any burst

TEST(disabled_collector, leaves_entries_that_are_found_and_never_wrong) {
    table c;
    for (int i = 0; i < count; ++i) {
        EXPECT_EQ(*intern(c, i), std::to_string(i));
    }
    GC_gcollect();
    (void)GC_invoke_finalizers();
    EXPECT_EQ(c.statistics().entries, static_cast<std::uint64_t>(count));
    for (int i = 0; i < count; i += 1000) {
        EXPECT_EQ(*intern(c, i), std::to_string(i));
    }
    EXPECT_EQ(c.statistics().misses, static_cast<std::uint64_t>(count)) << "nothing is made twice";
    EXPECT_EQ(GC_get_gc_no(), collections_of_the_start) << "no collection in this program";
}

TEST(disabled_collector, leaves_release_and_trim_as_they_are) {
    table c({.retain = {.bytes = 1 << 20, .entries = 50}});
    for (int i = 0; i < count; ++i) {
        EXPECT_TRUE(intern(c, i).release());
        EXPECT_LE(c.statistics().entries, 51u);
    }
    c.trim();
    EXPECT_EQ(c.statistics().entries, 0u);
}

TEST(disabled_collector, leaves_loans_with_those_who_do_not_release_them) {
    ibid::pool<std::string> p;
    for (int i = 0; i < 1000; ++i) {
        (void)ibid::gc::take(p);
    }
    EXPECT_EQ(p.statistics().made, 1000u) << "a pool that gets nothing back makes more";
    EXPECT_TRUE(ibid::gc::take(p).release());
    EXPECT_EQ(p.statistics().idle, 1u);
    EXPECT_TRUE(ibid::gc::take(p).release());
    EXPECT_EQ(p.statistics().made, 1001u);
    EXPECT_EQ(p.trim() + p.trim(), 1u);
}

TEST(disabled_collector, lets_threads_caches_and_children_end) {
    auto c = std::make_unique<table>();
    name kept;
    std::thread([&] {
        const ibid::gc::thread known;
        for (int i = 0; i < 1000; ++i) {
            kept = intern(*c, i);
        }
    }).join();
    EXPECT_EQ(ibid::testing::in_child(
                  [&] { return *intern(*c, 999) == "999" && *intern(*c, 5000) == "5000" ? 0 : 1; }),
              0);
    c.reset();
    EXPECT_EQ(*kept, "999");
}

} // namespace
