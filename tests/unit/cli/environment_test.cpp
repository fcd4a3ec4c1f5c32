// SPDX-License-Identifier: Apache-2.0
//
// LD_PRELOAD and the variables that ibid reads.
#include "cli/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace ibid::cli {
namespace {

using ::testing::HasSubstr;

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

TEST(excluded_names, are_put_behind_those_that_are_there) {
    EXPECT_EQ(append_names("", {}), "");
    EXPECT_EQ(append_names("", {"git", "ssh"}), "git:ssh");
    EXPECT_EQ(append_names("curl", {"git"}), "curl:git");
}

TEST(preload, without_its_folder_for_other_loaders_is_named_by_its_path_and_not_harmless) {
    const preload_entry entry = entry_for("/nowhere/lib/libibid_preload.so");
    EXPECT_EQ(entry.text, "/nowhere/lib/libibid_preload.so");
    EXPECT_FALSE(entry.harmless);
}

class settings : public ::testing::Test {
protected:
    void SetUp() override {
        for (const char* name : {"IBID_SCOPE", "IBID_RETAIN", "IBID_VERIFY_MEMO", "IBID_PRIVACY",
                                 "IBID_DISABLE", "IBID_EXCLUDE", "IBID_CHILDREN"})
            ::unsetenv(name);
    }
    void TearDown() override { SetUp(); }

    static std::string with(const char* name, const char* value) {
        ::setenv(name, value, 1);
        return wrong_setting();
    }
};

TEST_F(settings, none_is_fine) {
    EXPECT_EQ(wrong_setting(), "");
}

TEST_F(settings, every_documented_value_is_fine) {
    EXPECT_EQ(with("IBID_SCOPE", "all"), "");
    EXPECT_EQ(with("IBID_SCOPE", "openssl"), "");
    EXPECT_EQ(with("IBID_RETAIN", "0"), "");
    EXPECT_EQ(with("IBID_RETAIN", "4M:1024"), "");
    EXPECT_EQ(with("IBID_DISABLE", "1"), "");
    EXPECT_EQ(with("IBID_VERIFY_MEMO", "0"), "");
    for (const char* level : {"strict", "default", "off"})
        EXPECT_EQ(with("IBID_PRIVACY", level), "");
    EXPECT_EQ(with("IBID_EXCLUDE", "git:ssh"), "");
    EXPECT_EQ(with("IBID_CHILDREN", "0"), "");
}

TEST_F(settings, a_wrong_value_is_named_together_with_what_it_can_be) {
    EXPECT_THAT(with("IBID_SCOPE", "everything"), HasSubstr("IBID_SCOPE=everything"));
    ::unsetenv("IBID_SCOPE");
    EXPECT_THAT(with("IBID_RETAIN", "8MB"), HasSubstr("BYTES[:ENTRIES]"));
    ::unsetenv("IBID_RETAIN");
    EXPECT_THAT(with("IBID_DISABLE", "yes"), HasSubstr("IBID_DISABLE=yes"));
    ::unsetenv("IBID_DISABLE");
    EXPECT_THAT(with("IBID_VERIFY_MEMO", "off"), HasSubstr("IBID_VERIFY_MEMO=off"));
    ::unsetenv("IBID_VERIFY_MEMO");
    EXPECT_THAT(with("IBID_PRIVACY", "high"), HasSubstr("'strict', 'default' or 'off'"));
    ::unsetenv("IBID_PRIVACY");
    EXPECT_THAT(with("IBID_CHILDREN", "no"), HasSubstr("IBID_CHILDREN=no"));
    ::unsetenv("IBID_CHILDREN");
    EXPECT_THAT(with("IBID_EXCLUDE", "/usr/bin/git"), HasSubstr("without folders"));
}

} // namespace
} // namespace ibid::cli
