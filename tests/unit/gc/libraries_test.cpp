// SPDX-License-Identifier: Apache-2.0
//
// Tokens that pass from one library of the process to another, and one collector for both. This program and
// other_gc_library are built with -fvisibility=hidden, so each has its own copy of everything that is not
// explicitly shared in the process.
#include <cstddef>
#include <string>

#include <gtest/gtest.h>

#include "collected.h"
#include "other_library.h"

namespace {

using ibid_test::by_accident;
using ibid_test::collect;
using ibid_test::elsewhere;
using ibid_test::intern_in_other_library;
using ibid_test::many;

TEST(libraries, of_one_process_have_one_registry_of_tokens) {
    ibid_test::shared_names c;
    static ibid_test::roots<ibid::gc::active<std::string>, many> kept;
    for (int i = 0; i < many; ++i) {
        kept[i] = intern_in_other_library(c, "kept " + std::to_string(i));
    }
    EXPECT_GE(ibid::gc::statistics().tokens, std::size_t{many});
    elsewhere([&] {
        for (int i = 0; i < many; ++i) {
            const std::string key = std::to_string(i);
            (void)ibid::gc::intern(c, key, [&] { return key; });
            (void)intern_in_other_library(c, "other " + key);
        }
    });
    collect();
    EXPECT_GE(c.statistics().entries, std::size_t{many});
    EXPECT_LE(c.statistics().entries, many + 2 * by_accident);
    EXPECT_EQ(*kept[many - 1], "kept " + std::to_string(many - 1));
}

} // namespace
