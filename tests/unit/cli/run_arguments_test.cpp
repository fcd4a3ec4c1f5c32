// SPDX-License-Identifier: Apache-2.0
//
// The words of `ibid run` that are taken without CLI11.
#include "cli/command_line/run_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ibid::cli {
namespace {

using ::testing::ElementsAre;

std::optional<run_request> parse(std::vector<const char*> words) {
    words.insert(words.begin(), "ibid");
    return plain_run(static_cast<int>(words.size()), words.data());
}

TEST(run_words, end_at_the_program) {
    const auto r = parse({"run", "curl", "--stats", "-x", "--", "y"});
    ASSERT_TRUE(r);
    EXPECT_THAT(r->command, ElementsAre("curl", "--stats", "-x", "--", "y"));
    EXPECT_FALSE(r->statistics);
    EXPECT_TRUE(r->children);
}

TEST(run_words, end_at_two_dashes) {
    const auto r = parse({"run", "--stats", "--", "--curl", "--"});
    ASSERT_TRUE(r);
    EXPECT_THAT(r->command, ElementsAre("--curl", "--"));
    EXPECT_TRUE(r->statistics);
    EXPECT_FALSE(r->json_file);
}

TEST(run_words, have_options_with_values) {
    const auto r =
        parse({"run", "--exclude", "git", "--exclude=ssh", "--no-children", "--stats=f.json", "sh"});
    ASSERT_TRUE(r);
    EXPECT_THAT(r->exclude, ElementsAre("git", "ssh"));
    EXPECT_FALSE(r->children);
    EXPECT_EQ(r->json_file, "f.json");
    EXPECT_THAT(r->command, ElementsAre("sh"));
}

TEST(run_words, that_are_not_plain_are_left_to_the_parser_with_the_messages) {
    EXPECT_FALSE(parse({}));
    EXPECT_FALSE(parse({"run"}));
    EXPECT_FALSE(parse({"stat", "77"}));
    EXPECT_FALSE(parse({"run", "--"}));
    EXPECT_FALSE(parse({"run", "--help"}));
    EXPECT_FALSE(parse({"run", "--sats", "curl"}));
    EXPECT_FALSE(parse({"run", "--stats=", "curl"}));
    EXPECT_FALSE(parse({"run", "--exclude"}));
    EXPECT_FALSE(parse({"run", "--exclude", "git"}));
    EXPECT_FALSE(parse({"run", "--exclude", "/usr/bin/git", "curl"}));
    EXPECT_FALSE(parse({"run", "--exclude=a:b", "curl"}));
}

} // namespace
} // namespace ibid::cli
