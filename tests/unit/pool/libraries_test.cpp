// SPDX-License-Identifier: Apache-2.0
//
// Pools and loans that pass from one library of the process to another. This program and other_pool_library
// are built with -fvisibility=hidden, so each has its own copy of everything that is not explicitly shared in
// the process.
#include <deque>

#include <gtest/gtest.h>

#include "other_library.h"

namespace ibid {
namespace {

using namespace ibid::testing;

// One thread has one cache: an object that one library returns is the first that the other takes.
TEST(libraries, of_one_process_take_what_the_other_gave_back) {
    pool<made_by> p([] { return made_by{1}; });
    for (int round = 0; round < 100; ++round) {
        loan<made_by> here = p.take();
        const made_by* const object = here.get();
        end_in_other_library(here);
        loan<made_by> there = take_in_other_library(p);
        EXPECT_EQ(there.get(), object);
        there.end();
        here = p.take();
        EXPECT_EQ(here.get(), object);
    }
    EXPECT_EQ(p.statistics().made, 1U);
}

struct numbered {
    int number;
    pool<made_by> objects{[this] { return made_by{number}; }};
    explicit numbered(int n) : number(n) {}
};

TEST(libraries, of_one_process_keep_their_pools_apart) {
    std::deque<numbered> pools;
    for (int number = 0; number < 20; ++number) {
        pools.emplace_back(number);
    }
    for (int round = 0; round < 3; ++round) {
        for (numbered& p : pools) {
            loan<made_by> here = p.objects.take();
            loan<made_by> there = take_in_other_library(p.objects);
            EXPECT_EQ(here->number, p.number);
            EXPECT_EQ(there->number, p.number);
            end_in_other_library(here);
        }
    }
    for (numbered& p : pools) {
        EXPECT_EQ(p.objects.statistics().made, 2U) << p.number;
        EXPECT_EQ(p.objects.statistics().idle, 2U) << p.number;
    }
}

} // namespace
} // namespace ibid
