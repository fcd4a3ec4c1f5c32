// SPDX-License-Identifier: Apache-2.0
//
// How a library was linked tells whether its calls to itself can be intercepted.
#include "loaded_module.h"

#include <gtest/gtest.h>

namespace ibid::openssl {
namespace {

TEST(linkage, calls_that_are_bound_at_run_time_are_told_from_those_bound_at_link_time) {
    const auto binds_to_itself = [](const char* library) {
        return test::loaded_module(library).read([](const elf_module& m) { return m.binds_to_itself(); });
    };
    EXPECT_FALSE(binds_to_itself(PLAIN_LIBRARY));
    EXPECT_FALSE(binds_to_itself(NO_PLT_LIBRARY));
    EXPECT_TRUE(binds_to_itself(SYMBOLIC_LIBRARY));
    EXPECT_TRUE(binds_to_itself(SYMBOLIC_FUNCTIONS_LIBRARY));
}

} // namespace
} // namespace ibid::openssl
