// SPDX-License-Identifier: Apache-2.0
//
// The collector has one event listener; ibid's must call the one that the program has set.
#include <atomic>
#include <cstddef>
#include <string>

#include <gtest/gtest.h>

#include "collected.h"
#include "ibid/cache.h"
#include "ibid/gc.h"

namespace {

using ibid_test::by_accident;
using ibid_test::collect;
using ibid_test::elsewhere;
using ibid_test::roots;

using ibid_test::name;
using ibid_test::table;

std::atomic<int> heard_before{0};
std::atomic<int> heard_after{0};

const bool listener_before_ibid = [] {
    GC_set_handle_fork(1);
    GC_INIT();
    GC_set_on_collection_event([](GC_EventType e) { heard_before += e == GC_EVENT_MARK_END ? 1 : 0; });
    return true;
}();

void make_and_drop(table& c, int from, int to) {
    elsewhere([&] {
        for (int i = from; i < to; ++i) {
            (void)ibid_test::intern(c, i);
        }
    });
}

TEST(listener, that_was_there_first_still_hears) {
    table c;
    make_and_drop(c, 0, 100);
    const int before = heard_before;
    collect();
    EXPECT_GT(heard_before, before);
    EXPECT_LE(c.statistics().entries, by_accident);
}

TEST(listener, that_comes_later_and_calls_on_changes_nothing) {
    static GC_on_collection_event_proc former = nullptr;
    former = GC_get_on_collection_event();
    GC_set_on_collection_event([](GC_EventType e) {
        heard_after += e == GC_EVENT_MARK_END ? 1 : 0;
        former(e);
    });
    table c;
    for (int round = 0; round < 3; ++round) {
        make_and_drop(c, 0, 1000);
        collect();
        EXPECT_LE(c.statistics().entries, by_accident);
    }
    EXPECT_GT(heard_after, 0);
    GC_set_on_collection_event(former);
}

TEST(listener, that_comes_later_and_keeps_all_to_itself_costs_time_and_no_safety) {
    table c;
    table others;
    roots<name, 1000> kept;
    elsewhere([&] {
        for (int i = 0; i < 1000; ++i) {
            kept[static_cast<std::size_t>(i)] = ibid::gc::intern(c, i, [&] { return std::to_string(i); });
        }
    });
    make_and_drop(c, 1000, 2000);
    // Collections of which ibid gets no event: unreachable tokens are swept, and their memory is reused.
    GC_set_on_collection_event([](GC_EventType e) { heard_after += e == GC_EVENT_MARK_END ? 1 : 0; });
    const int before = heard_after;
    collect();
    elsewhere([] {
        for (int i = 0; i < 100'000; ++i) {
            *static_cast<void**>(GC_MALLOC_ATOMIC(8)) = reinterpret_cast<void*>(~std::uintptr_t{0});
            (void)GC_MALLOC(8);
        }
    });
    collect();
    EXPECT_GT(heard_after, before);
    EXPECT_EQ(c.statistics().entries, 2000u);
    // The next tokens detect this. What was reachable still exists, the rest is released.
    make_and_drop(others, 0, 1000);
    for (int i = 0; i < 3; ++i) {
        collect();
    }
    EXPECT_LE(others.statistics().entries, by_accident);
    EXPECT_GE(c.statistics().entries, 1000u);
    EXPECT_LE(c.statistics().entries, 1000 + by_accident);
    elsewhere([&] {
        for (std::size_t i = 0; i < 1000; ++i) {
            EXPECT_EQ(*kept[i], std::to_string(i));
        }
    });
    kept.clear();
    collect();
    EXPECT_LE(c.statistics().entries, by_accident);
    const int after = heard_after;
    collect();
    EXPECT_GT(heard_after, after) << "and it still calls the previous listener";
}

} // namespace
