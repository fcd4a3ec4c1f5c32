// SPDX-License-Identifier: Apache-2.0
//
// Which file a command line runs, and whether something can be preloaded into it.
#include "cli/programs/program.h"
#include "cli/programs/script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

namespace ibid::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class programs : public ::testing::Test {
protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "ibid-programs-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
    }
    void TearDown() override { fs::remove_all(folder); }

    std::string write(const std::string& name, const std::string& text,
                      fs::perms mode = fs::perms::owner_all) const {
        const fs::path path = folder / name;
        std::ofstream(path) << text;
        fs::permissions(path, mode);
        return path.string();
    }

    fs::path folder;
};

TEST_F(programs, are_found_along_the_path_and_by_their_own_path) {
    const auto by_name = find_program("sh");
    ASSERT_TRUE(by_name);
    EXPECT_THAT(by_name->path, EndsWith("/sh"));
    ASSERT_TRUE(find_program(DYNAMIC_PROGRAM));
    EXPECT_EQ(find_program(DYNAMIC_PROGRAM)->path, DYNAMIC_PROGRAM);
    EXPECT_FALSE(find_program("there-is-no-such-program"));
    EXPECT_FALSE(find_program("/nowhere/at/all"));
    EXPECT_FALSE(find_program(""));
}

TEST_F(programs, that_may_not_be_executed_are_not_found) {
    EXPECT_FALSE(find_program(write("text", "hello\n", fs::perms::owner_read)));
    EXPECT_FALSE(find_program(folder.string()));
}

TEST_F(programs, that_are_not_there_are_told_why) {
    EXPECT_EQ(why_no_program(""), "the name of the program is empty");
    EXPECT_THAT(why_no_program("there-is-no-such-program"), HasSubstr("in PATH"));
    EXPECT_THAT(why_no_program(folder.string()), EndsWith(" is a folder"));
    EXPECT_THAT(why_no_program(write("text", "#!/bin/sh\n", fs::perms::owner_read)), HasSubstr("chmod +x"));
    EXPECT_THAT(why_no_program("/nowhere/\x1b[2J\xff"), EndsWith("/nowhere/?[2J?"));
    EXPECT_LT(why_no_program(std::string(100'000, 'a')).size(), 300U);
}

TEST_F(programs, that_cannot_run_are_broken) {
    EXPECT_EQ(look_at(DYNAMIC_PROGRAM).broken, "");
    EXPECT_THAT(look_at(write("lost", "#!/nowhere/at/all -x\n")).broken,
                EndsWith("/nowhere/at/all is not there"));
    EXPECT_THAT(look_at(write("lost-by-env", "#!/usr/bin/env there-is-no-such-program\n")).broken,
                HasSubstr("there-is-no-such-program is not there"));
    const std::string own = (folder / "own").string();
    write("own", "#!" + own + "\n");
    EXPECT_THAT(look_at(own).broken, HasSubstr("the kernel gives up"));
    std::ifstream whole(DYNAMIC_PROGRAM, std::ios::binary);
    std::string start(300, '\0');
    whole.read(start.data(), 300);
    EXPECT_THAT(look_at(write("cut", start)).broken, EndsWith("is damaged: parts of it are not there"));
}

TEST_F(programs, written_as_scripts_lead_to_their_interpreter) {
    const std::string script = write("script", std::string("#! ") + DYNAMIC_PROGRAM + " -x\nrest\n");
    const program p = look_at(script);
    EXPECT_THAT(p.scripts, ElementsAre(script));
    EXPECT_EQ(p.path, DYNAMIC_PROGRAM);
    EXPECT_TRUE(p.elf);
    // A script of scripts, too.
    const std::string outer = write("outer", "#!" + script + "\n");
    EXPECT_THAT(look_at(outer).scripts, ElementsAre(outer, script));
}

TEST_F(programs, written_as_scripts_for_env_lead_to_what_env_finds) {
    const std::string script = write("script", "#!/usr/bin/env -S A=1 sh -e\n");
    EXPECT_THAT(look_at(script).path, EndsWith("/sh"));
}

TEST_F(programs, written_as_scripts_that_run_themselves_end) {
    const std::string path = (folder / "self").string();
    write("self", "#!" + path + "\n");
    EXPECT_FALSE(look_at(path).elf);
}

TEST_F(programs, written_for_a_shell_lead_to_what_they_become_if_they_do_nothing_else) {
    const std::string path = std::string(DYNAMIC_PROGRAM);
    const std::string wrapper =
        write("wrapper",
              "#!/bin/sh\n# a wrapper\nset -e\nexport MODE=fast\nN=1\nexec " + path + " --flag \"$@\"\n");
    EXPECT_EQ(look_at(wrapper).path, path);
    EXPECT_EQ(look_at(wrapper).shell_script, "");
    EXPECT_THAT(look_at(wrapper).scripts, ElementsAre(wrapper));
    for (const std::string& before :
         {std::string("cd /somewhere"), std::string("PATH=/x"), std::string("LD_PRELOAD=/y.so"),
          std::string("A=$(date)"), std::string("A=b program"), std::string("if true; then")}) {
        const std::string script = write("script", "#!/bin/sh\n" + before + "\nexec " + path + "\n");
        EXPECT_THAT(look_at(script).path, EndsWith("/sh")) << before;
        EXPECT_EQ(look_at(script).shell_script, script) << before;
    }
}

TEST_F(programs, that_a_version_manager_starts_are_not_guessed_at) {
    // As pyenv writes it.
    const std::string shim =
        write("python3", "#!/usr/bin/env bash\nset -e\n[ -n \"$PYENV_DEBUG\" ] && set -x\n\n"
                         "program=\"${0##*/}\"\n\nexport PYENV_ROOT=\"/root/.pyenv\"\n"
                         "exec \"/root/.pyenv/libexec/pyenv\" exec \"$program\" \"$@\"\n");
    EXPECT_EQ(look_at(shim).shell_script, shim);
    EXPECT_THAT(look_at(shim).path, EndsWith("/bash"));
}

TEST(shell_scripts, that_are_damaged_lead_nowhere) {
    EXPECT_EQ(target_of_shell_script(""), "");
    EXPECT_EQ(target_of_shell_script("exec"), "");
    EXPECT_EQ(target_of_shell_script("exec /"), "/");
    EXPECT_EQ(target_of_shell_script("exec /a$b"), "");
    EXPECT_EQ(target_of_shell_script("="), "");
    EXPECT_EQ(target_of_shell_script("export"), "");
}

TEST_F(programs, that_are_dynamic_can_be_preloaded) {
    const program p = look_at(DYNAMIC_PROGRAM);
    EXPECT_EQ(why_not_preloadable(p), "");
    EXPECT_FALSE(harmed_by_preload(p));
}

#ifdef STATIC_PROGRAM
TEST_F(programs, that_are_static_cannot_be_preloaded_and_take_no_harm) {
    const program p = look_at(STATIC_PROGRAM);
    EXPECT_THAT(why_not_preloadable(p), HasSubstr("statically linked"));
    EXPECT_FALSE(harmed_by_preload(p));
}
#endif

TEST_F(programs, of_another_processor_or_c_library_would_be_harmed) {
    program p = look_at(DYNAMIC_PROGRAM);
    p.elf->native = false;
    EXPECT_TRUE(harmed_by_preload(p));
    EXPECT_THAT(why_not_preloadable(p), HasSubstr("another processor"));
    p.elf->native = true;
    p.elf->interpreter = "/lib/ld-musl-x86_64.so.1";
    EXPECT_TRUE(harmed_by_preload(p));
    EXPECT_THAT(why_not_preloadable(p), HasSubstr("another C library"));
}

TEST_F(programs, that_gain_privileges_cannot_be_preloaded) {
    if (::getuid() != 0)
        GTEST_SKIP() << "needs root, to give a file to another user";
    const std::string path = (folder / "setuid").string();
    fs::copy_file(DYNAMIC_PROGRAM, path);
    ASSERT_EQ(::chown(path.c_str(), 65534, 65534), 0);
    ASSERT_EQ(::chmod(path.c_str(), S_ISUID | 0755), 0);
    const program p = look_at(path);
    EXPECT_TRUE(p.privileged);
    EXPECT_THAT(why_not_preloadable(p), HasSubstr("privileges"));
}

} // namespace
} // namespace ibid::cli
