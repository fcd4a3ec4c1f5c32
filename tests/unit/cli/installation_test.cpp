// SPDX-License-Identifier: Apache-2.0
//
// LD_PRELOAD.
#include "cli/programs/installation.h"

#include <gtest/gtest.h>

namespace ibid::cli {
namespace {

TEST(ld_preload, what_is_there_stays_behind_ours) {
    EXPECT_EQ(prepend_preload("/l/ibid.so", ""), "/l/ibid.so");
    EXPECT_EQ(prepend_preload("/l/ibid.so", "/l/jemalloc.so"), "/l/ibid.so:/l/jemalloc.so");
    EXPECT_EQ(prepend_preload("/l/ibid.so", "a.so b.so"), "/l/ibid.so:a.so b.so");
}

TEST(ld_preload, ours_is_not_put_there_twice) {
    EXPECT_EQ(prepend_preload("/l/ibid.so", "/l/ibid.so"), "/l/ibid.so");
    EXPECT_EQ(prepend_preload("/l/ibid.so", "/l/jemalloc.so:/l/ibid.so"), "/l/jemalloc.so:/l/ibid.so");
    EXPECT_EQ(prepend_preload("/l/ibid.so", "/l/jemalloc.so /l/ibid.so"), "/l/jemalloc.so /l/ibid.so");
    EXPECT_EQ(prepend_preload("/l/ibid.so", "/l/ibid.so.old"), "/l/ibid.so:/l/ibid.so.old");
}

TEST(ld_preload, a_path_that_the_loader_would_split_does_not_fit) {
    EXPECT_TRUE(fits_into_ld_preload("/usr/lib/libibid_preload.so"));
    EXPECT_FALSE(fits_into_ld_preload("/home/a b/libibid_preload.so"));
    EXPECT_FALSE(fits_into_ld_preload("/srv/a:b/libibid_preload.so"));
    EXPECT_FALSE(fits_into_ld_preload("/srv/$LIB/libibid_preload.so"));
}

TEST(preload, without_its_folder_for_other_loaders_is_named_by_its_path_and_not_harmless) {
    const preload_entry entry = entry_for("/nowhere/lib/libibid_preload.so");
    EXPECT_EQ(entry.text, "/nowhere/lib/libibid_preload.so");
    EXPECT_FALSE(entry.harmless);
}

} // namespace
} // namespace ibid::cli
