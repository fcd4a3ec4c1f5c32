// SPDX-License-Identifier: Apache-2.0
//
// How the preload's constructor reads the environment, and removes itself from LD_PRELOAD.
#include "preload/foreign/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ibid::preload {
namespace {

using ::testing::ElementsAre;

// An environment of string constants, so that a write to them would crash the test.
class environment_of {
public:
    environment_of(std::initializer_list<const char*> settings) {
        for (const char* setting : settings)
            pointers_.push_back(const_cast<char*>(setting)); // never written to
        pointers_.push_back(nullptr);
    }
    operator char**() { return pointers_.data(); } // NOLINT(google-explicit-constructor): as environ is one
    [[nodiscard]] std::vector<std::string> settings() const {
        std::vector<std::string> all;
        for (const char* const* at = pointers_.data(); *at != nullptr; ++at)
            all.emplace_back(*at);
        return all;
    }

private:
    std::vector<char*> pointers_;
};

TEST(variables, are_found_by_their_whole_name) {
    environment_of e{"AB=1", "A", "A=2", "A=3", "EMPTY="};
    EXPECT_STREQ(variable(e, "A"), "2");
    EXPECT_STREQ(variable(e, "AB"), "1");
    EXPECT_STREQ(variable(e, "EMPTY"), "");
    EXPECT_EQ(variable(e, "B"), nullptr);
    EXPECT_EQ(variable(nullptr, "A"), nullptr);
}

TEST(excluded_programs, are_named_without_their_folder) {
    EXPECT_TRUE(names_program("git:ssh", "/usr/bin/git"));
    EXPECT_TRUE(names_program("git:ssh", "ssh"));
    EXPECT_TRUE(names_program("git", "./git"));
    EXPECT_FALSE(names_program("git:ssh", "/usr/bin/gi"));
    EXPECT_FALSE(names_program("git:ssh", "/git/curl"));
    EXPECT_FALSE(names_program("", "/usr/bin/git"));
    EXPECT_FALSE(names_program("::", ""));
    EXPECT_FALSE(names_program("git", "/usr/bin/"));
}

TEST(excluded_programs, are_known_by_the_executed_file_or_by_their_own_name) {
    environment_of words{"/usr/bin/python3", "script"};
    environment_of by_name{"IBID_EXCLUDE=git:python3"};
    EXPECT_TRUE(is_excluded(by_name, words));
    environment_of by_file{"IBID_EXCLUDE=cli_test"}; // this test is the executed file
    EXPECT_TRUE(is_excluded(by_file, words));
    environment_of others{"IBID_EXCLUDE=script"};
    EXPECT_FALSE(is_excluded(others, words));
    environment_of none{"A=1"};
    EXPECT_FALSE(is_excluded(none, words));
    EXPECT_FALSE(is_excluded(by_name, nullptr));
}

TEST(children, are_left_alone_when_that_is_asked_for_but_env_goes_on) {
    environment_of off{"IBID_CHILDREN=0"};
    environment_of on{"IBID_CHILDREN=1"};
    environment_of unset{"A=1"};
    environment_of words{"/bin/sh", nullptr};
    environment_of env{"/usr/bin/env", nullptr};
    EXPECT_TRUE(leaves_children_alone(off, words));
    EXPECT_FALSE(leaves_children_alone(on, words));
    EXPECT_FALSE(leaves_children_alone(unset, words));
    EXPECT_FALSE(leaves_children_alone(off, env));
}

TEST(preload, alone_goes_with_its_variable) {
    environment_of e{"A=1", "LD_PRELOAD=/usr/lib/ibid/before-libasan.so/$LIB/libibid_preload.so", "B=2"};
    remove_preload(e, false);
    EXPECT_THAT(e.settings(), ElementsAre("A=1", "B=2"));
    remove_preload(e, false);
    EXPECT_THAT(e.settings(), ElementsAre("A=1", "B=2"));
    remove_preload(nullptr, false);
}

TEST(preload, leaves_its_variable_empty_while_other_threads_may_read) {
    environment_of e{"A=1", "LD_PRELOAD=/x/libibid_preload.so", "B=2"};
    remove_preload(e, true);
    EXPECT_THAT(e.settings(), ElementsAre("A=1", "LD_PRELOAD=", "B=2"));
}

TEST(preload, goes_and_others_stay_in_their_order) {
    environment_of e{
        "LD_PRELOAD=/a.so:/x/libibid_preload.so /b.so::/y/libibid_preload.so:libibid_preload.so.old", "B=2"};
    remove_preload(e, false);
    EXPECT_THAT(e.settings(), ElementsAre("LD_PRELOAD=/a.so:/b.so:libibid_preload.so.old", "B=2"));
}

TEST(preload, that_is_not_there_changes_nothing) {
    environment_of e{"LD_PRELOAD=/a.so  /b.so", "LD_PRELOAD_X=libibid_preload.so"};
    remove_preload(e, false);
    EXPECT_THAT(e.settings(), ElementsAre("LD_PRELOAD=/a.so  /b.so", "LD_PRELOAD_X=libibid_preload.so"));
}

TEST(preload, beside_too_much_else_stays) {
    const std::string setting = "LD_PRELOAD=/x/libibid_preload.so:/" + std::string(5000, 'a');
    environment_of e{setting.c_str()};
    remove_preload(e, false);
    EXPECT_THAT(e.settings(), ElementsAre(setting));
}

} // namespace
} // namespace ibid::preload
