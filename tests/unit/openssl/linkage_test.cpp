// SPDX-License-Identifier: Apache-2.0
//
// Whether a library's calls to itself can be met, told from how it was linked.
#include "openssl/linkage.h"

#include <dlfcn.h>

#include <gtest/gtest.h>

namespace ibid::openssl {
namespace {

[[nodiscard]] bool binds_to_itself(const char* library) {
    void* const handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(handle, nullptr) << dlerror();
    return openssl::binds_to_itself(dlsym(handle, "ibid_test_question"));
}

TEST(linkage, calls_that_are_bound_at_run_time_are_told_from_those_bound_at_link_time) {
    EXPECT_FALSE(binds_to_itself(PLAIN_LIBRARY));
    EXPECT_FALSE(binds_to_itself(NO_PLT_LIBRARY));
    EXPECT_TRUE(binds_to_itself(SYMBOLIC_LIBRARY));
    EXPECT_TRUE(binds_to_itself(SYMBOLIC_FUNCTIONS_LIBRARY));
}

} // namespace
} // namespace ibid::openssl
