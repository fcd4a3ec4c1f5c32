// SPDX-License-Identifier: Apache-2.0
//
// The settings' names and values.
#include "cli/settings/known_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ibid::cli {
namespace {

using ::testing::HasSubstr;

TEST(excluded_names, are_put_behind_those_that_are_there) {
    EXPECT_EQ(append_names("", {}), "");
    EXPECT_EQ(append_names("", {"git", "ssh"}), "git:ssh");
    EXPECT_EQ(append_names("curl", {"git"}), "curl:git");
}

TEST(wrong_value, there_is_none_among_the_documented_ones) {
    EXPECT_EQ(wrong_value("IBID_SCOPE", "all"), "");
    EXPECT_EQ(wrong_value("IBID_SCOPE", "openssl"), "");
    EXPECT_EQ(wrong_value("IBID_RETAIN", "0"), "");
    EXPECT_EQ(wrong_value("IBID_RETAIN", "4M:1024"), "");
    EXPECT_EQ(wrong_value("IBID_DISABLE", "1"), "");
    EXPECT_EQ(wrong_value("IBID_VERIFY_MEMO", "0"), "");
    for (const char* level : {"strict", "default", "off"})
        EXPECT_EQ(wrong_value("IBID_PRIVACY", level), "");
    EXPECT_EQ(wrong_value("IBID_EXCLUDE", "git:ssh"), "");
    EXPECT_EQ(wrong_value("IBID_CHILDREN", "0"), "");
}

TEST(wrong_value, is_named_together_with_what_it_can_be) {
    EXPECT_THAT(wrong_value("IBID_SCOPE", "everything"), HasSubstr("IBID_SCOPE=everything"));
    EXPECT_THAT(wrong_value("IBID_RETAIN", "8MB"), HasSubstr("BYTES[:ENTRIES]"));
    EXPECT_THAT(wrong_value("IBID_DISABLE", "yes"), HasSubstr("IBID_DISABLE=yes"));
    EXPECT_THAT(wrong_value("IBID_VERIFY_MEMO", "off"), HasSubstr("IBID_VERIFY_MEMO=off"));
    EXPECT_THAT(wrong_value("IBID_PRIVACY", "high"), HasSubstr("'strict', 'default' or 'off'"));
    EXPECT_THAT(wrong_value("IBID_CHILDREN", "no"), HasSubstr("IBID_CHILDREN=no"));
    EXPECT_THAT(wrong_value("IBID_EXCLUDE", "/usr/bin/git"), HasSubstr("without folders"));
}

} // namespace
} // namespace ibid::cli
