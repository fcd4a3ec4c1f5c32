// SPDX-License-Identifier: Apache-2.0
//
// Caches and handles that pass from one library of the process to another. This program and other_library are
// built with -fvisibility=hidden, so each has its own copy of everything that is not explicitly shared in the
// process.
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "ibid/intern.h"
#include "other_library.h"

namespace ibid {
namespace {

using namespace ibid::testing;

TEST(libraries, of_one_process_find_each_others_values) {
    shared_cache c;
    const handle<std::string> h = c.intern("ibidem", [] { return "ibidem"; });
    EXPECT_EQ(intern_in_other_library(c, "ibidem"), h);
    EXPECT_EQ(c.statistics().entries, 1U);
}

TEST(libraries, of_one_process_have_one_canonical_copy) {
    const handle<std::string> h = intern(std::string("ibidem"));
    EXPECT_EQ(canonical_in_other_library("ibidem"), h);
}

TEST(libraries, of_one_process_drop_each_others_handles_wherever_these_are_counted) {
    shared_cache c;
    handle<std::string> h = c.intern("hot", [] { return "hot"; });
    handle<std::string> central = h;
    ASSERT_TRUE(detail::hot_values::of_process().promote(detail::header_of(h.get())));
    handle<std::string> in_stripe = h;
    drop_in_other_library(in_stripe);
    drop_in_other_library(h);
    EXPECT_EQ(c.statistics().entries, 1U);
    drop_in_other_library(central);
    EXPECT_EQ(c.statistics().entries, 0U);
}

} // namespace
} // namespace ibid
