// SPDX-License-Identifier: Apache-2.0
//
// Settings from files: which one applies, and that arbitrary bytes never give an invalid setting.
#include "cli/settings/configuration.h"
#include "cli/settings/effective_settings.h"
#include "cli/settings/known_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace ibid::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

configuration of(std::string_view text) {
    configuration c;
    c.add_text(text, "f");
    return c;
}

// The settings that apply, as "NAME=VALUE@place".
std::vector<std::string> holds(const configuration& c, const std::vector<std::string>& programs) {
    std::vector<std::string> all;
    for (const configuration::setting& s : c.settings_of(programs))
        all.push_back(s.name + "=" + s.value + "@" + s.place());
    std::sort(all.begin(), all.end());
    return all;
}

TEST(configuration, may_begin_with_a_byte_order_mark) {
    EXPECT_THAT(holds(of("\xef\xbb\xbfIBID_RETAIN=8M\n"), {}), ElementsAre("IBID_RETAIN=8M@f:1"));
}

TEST(configuration, a_section_wins_over_what_is_for_all_wherever_it_stands) {
    const configuration c =
        of("[nginx]\nIBID_PRIVACY=strict\nIBID_SCOPE = all \n\n# a comment\n[curl]\nIBID_RETAIN=0\n");
    configuration both = c;
    both.add_text("IBID_PRIVACY=off\nIBID_RETAIN=8M:2048\n", "g");
    EXPECT_THAT(holds(both, {"nginx"}), ElementsAre("IBID_PRIVACY=strict@f:2 [nginx]",
                                                    "IBID_RETAIN=8M:2048@g:2", "IBID_SCOPE=all@f:3 [nginx]"));
    EXPECT_THAT(holds(both, {"curl"}), ElementsAre("IBID_PRIVACY=off@g:1", "IBID_RETAIN=0@f:7 [curl]"));
    EXPECT_THAT(holds(both, {"other"}), ElementsAre("IBID_PRIVACY=off@g:1", "IBID_RETAIN=8M:2048@g:2"));
    EXPECT_THAT(both.complaints(), IsEmpty());
}

TEST(configuration, a_program_that_a_section_disables_is_added_to_any_list) {
    const configuration c = of("IBID_EXCLUDE=ssh\n[git]\nIBID_DISABLE=1\n[curl]\nIBID_DISABLE=1\n");
    EXPECT_EQ(c.with_disabled_programs("a:b", {"sh"}).value().value, "a:b:git:curl");
    EXPECT_EQ(c.with_disabled_programs("curl:a", {"sh"}).value().value, "curl:a:git");
    EXPECT_EQ(c.with_disabled_programs("git:curl", {"sh"}), std::nullopt);
    EXPECT_EQ(c.with_disabled_programs("a:git", {"curl"}), std::nullopt);
}

TEST(effective_settings, do_not_lose_a_section_s_disabled_program_to_the_environment) {
    const auto environment = [](std::string_view name) { return name == "IBID_EXCLUDE" ? "a" : ""; };
    const configuration c = of("IBID_EXCLUDE=ssh\n[git]\nIBID_DISABLE=1\n");
    const settings_result r = effective_settings(environment, "environment", c, {"sh"});
    EXPECT_EQ(r["IBID_EXCLUDE"], "a:git");
    const auto at = std::find_if(r.settings.begin(), r.settings.end(),
                                 [](const effective_setting& s) { return s.name == "IBID_EXCLUDE"; });
    EXPECT_EQ(at->source, "environment, f:3 [git]");
}

TEST(configuration, the_later_line_and_the_later_file_win) {
    configuration c = of("IBID_RETAIN=1M\nIBID_RETAIN=2M\n");
    EXPECT_THAT(holds(c, {"a"}), ElementsAre("IBID_RETAIN=2M@f:2"));
    c.add_text("IBID_RETAIN=3M", "g");
    EXPECT_THAT(holds(c, {"a"}), ElementsAre("IBID_RETAIN=3M@g:1"));
}

TEST(configuration, a_scripts_own_section_wins_over_its_interpreters) {
    const configuration c = of("[crawl.py]\nIBID_RETAIN=1M\n[python3]\nIBID_RETAIN=2M\nIBID_SCOPE=all\n");
    EXPECT_THAT(holds(c, {"crawl.py", "python3"}),
                ElementsAre("IBID_RETAIN=1M@f:2 [crawl.py]", "IBID_SCOPE=all@f:5 [python3]"));
}

TEST(configuration, a_program_that_is_disabled_is_left_alone_as_a_child_too) {
    const configuration c =
        of("IBID_EXCLUDE=ssh\n[git]\nIBID_DISABLE=1\n[curl]\nIBID_DISABLE=1\nIBID_DISABLE=0\n");
    EXPECT_THAT(holds(c, {"make"}), ElementsAre("IBID_EXCLUDE=ssh:git@f:3 [git]"));
    EXPECT_THAT(holds(c, {"git"}), ElementsAre("IBID_DISABLE=1@f:3 [git]", "IBID_EXCLUDE=ssh@f:1"));
}

TEST(configuration, a_wrong_line_gives_one_complaint_and_sets_nothing) {
    const std::map<std::string, std::string> wrong{
        {"IBID_SCOPE=everything", "IBID_SCOPE=everything is not known: it is 'openssl' or 'all'"},
        {"IBID_RETAIN=8MB", "BYTES[:ENTRIES]"},
        {"IBID_RETAIN=\"8M\"", "is invalid"},
        {"IBID_RETAIN=", "is invalid"},
        {"IBID_SCOPE=all # no comment here", "is not known"},
        {"IBID_STATISTICS=shm:1:2", "not a setting"},
        {"LD_PRELOAD=x", "not a setting"},
        {"RETAIN=1", "not a setting"},
        {"=1", "not a setting"},
        {"IBID_RETAIN 8M", "neither NAME=VALUE nor [PROGRAM]"},
        {std::string("IBID_EXCLUDE=a\x1b[1m"), "control characters"},
        {"IBID_EXCLUDE=/usr/bin/git", "without folders"},
        {"[/usr/sbin/nginx]", "not the name of a program"},
        {"[", "not the name of a program"},
        {"[]", "not the name of a program"},
        {"[nginx", "not the name of a program"},
    };
    for (const auto& [line, what] : wrong) {
        const configuration c = of("IBID_PRIVACY=off\n" + line + "\n");
        ASSERT_EQ(c.complaints().size(), 1U) << line;
        EXPECT_THAT(c.complaints()[0].text, AllOf(HasSubstr("f:2: "), HasSubstr(what))) << line;
        EXPECT_THAT(holds(c, {"x"}), ElementsAre("IBID_PRIVACY=off@f:1")) << line;
    }
}

TEST(configuration, settings_below_a_wrong_section_are_for_nobody) {
    const configuration c = of("[a/b]\nIBID_RETAIN=0\n[c]\nIBID_RETAIN=1M\n");
    EXPECT_THAT(holds(c, {"b"}), IsEmpty());
    EXPECT_THAT(holds(c, {"c"}), ElementsAre("IBID_RETAIN=1M@f:4 [c]"));
}

TEST(configuration, a_complaint_concerns_the_section_that_it_is_in) {
    const configuration c = of("[a]\nIBID_SCOPE=x\n[b]\nIBID_PRIVACY=y\n");
    EXPECT_THAT(c.complaints_of({"a"}), ElementsAre(HasSubstr("f:2")));
    EXPECT_THAT(c.complaints_of({"b", "a"}).size(), 2U);
    EXPECT_THAT(c.complaints_of({"c"}), IsEmpty());
}

// For arbitrary bytes: each result is a known setting with a valid value and a valid program name, and a line
// gives at most one result.
TEST(configuration, any_bytes_set_nothing_wrong) {
    std::mt19937 random(20261129);
    const std::vector<std::string> pieces{"IBID_RETAIN",
                                          "IBID_SCOPE",
                                          "IBID_EXCLUDE",
                                          "=",
                                          "all",
                                          "0",
                                          "8M",
                                          "[",
                                          "]",
                                          "\n",
                                          "\n",
                                          " ",
                                          "\t",
                                          "#",
                                          "nginx",
                                          "\r",
                                          "/",
                                          ":",
                                          "\"",
                                          ";",
                                          std::string(1, '\0'),
                                          "\xff",
                                          "\x1b",
                                          "[nginx]\n",
                                          "IBID_RETAIN=4M\n"};
    std::size_t set = 0;
    std::size_t complained = 0;
    for (int round = 0; round < 20000; ++round) {
        std::string text;
        for (auto n = random() % 24; n > 0; --n)
            text += random() % 8 == 0 ? std::string(1, static_cast<char>(random()))
                                      : pieces[random() % pieces.size()];
        const configuration c = of(text);
        std::map<unsigned, int> of_line;
        for (const configuration::setting& s : c.settings()) {
            ASSERT_TRUE(is_setting(s.name)) << text;
            ASSERT_EQ(wrong_value(s.name, s.value), "") << text;
            ASSERT_TRUE(s.program.empty() || can_be_excluded(s.program)) << text;
            ASSERT_EQ(s.value.find_first_of(std::string_view("\n\r\0", 3)), std::string::npos) << text;
            ++of_line[s.line];
        }
        for (const configuration::complaint& one : c.complaints()) {
            ASSERT_TRUE(one.text.starts_with("f:")) << text;
            ASSERT_EQ(one.text.find('\n'), std::string::npos) << text;
            ++of_line[static_cast<unsigned>(std::stoul(one.text.substr(2)))];
        }
        for (const auto& [line, things] : of_line)
            ASSERT_EQ(things, 1) << text;
        set += c.settings().size();
        complained += c.complaints().size();
    }
    EXPECT_GT(set, 1000U); // otherwise nothing was tested
    EXPECT_GT(complained, 1000U);
}

TEST(effective_settings, the_environment_wins_unless_it_is_wrong) {
    const configuration files = of("IBID_SCOPE=all\nIBID_RETAIN=0\n");
    const std::map<std::string, std::string, std::less<>> environment{{"IBID_SCOPE", "openssl"},
                                                                      {"IBID_RETAIN", "lots"}};
    const settings_result r = effective_settings(
        [&environment](std::string_view name) {
            const auto at = environment.find(name);
            return at == environment.end() ? std::string() : at->second;
        },
        "environment", files, {"x"});
    EXPECT_EQ(r["IBID_SCOPE"], "openssl");
    EXPECT_EQ(r["IBID_RETAIN"], "0");
    EXPECT_EQ(r["IBID_PRIVACY"], "");
    ASSERT_EQ(r.settings.size(), setting_kinds().size());
    EXPECT_THAT(r.complaints,
                ElementsAre(AllOf(HasSubstr("IBID_RETAIN=lots"), HasSubstr("counts as not set"))));
    for (const effective_setting& s : r.settings) {
        EXPECT_EQ(s.is_default, s.name != "IBID_SCOPE" && s.name != "IBID_RETAIN");
        EXPECT_EQ(s.source, s.name == "IBID_SCOPE"    ? "environment"
                            : s.name == "IBID_RETAIN" ? "f:2"
                                                      : "default");
    }
}

} // namespace
} // namespace ibid::cli
