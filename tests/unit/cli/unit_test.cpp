// SPDX-License-Identifier: Apache-2.0
//
// Units are read as systemd reads them.
#include "cli/systemd/unit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

namespace ibid::cli::systemd {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(words_of, are_separated_by_blanks_outside_quotes) {
    EXPECT_THAT(words_of(""), IsEmpty());
    EXPECT_THAT(words_of(" a  b\tc "), ElementsAre("a", "b", "c"));
    EXPECT_THAT(words_of(R"("a b" 'c "d' e"f g"h "")"), ElementsAre("a b", "c \"d", "ef gh", ""));
}

TEST(words_of, have_the_escape_sequences_of_c) {
    EXPECT_THAT(words_of(R"(\x41\102\s\t\\\"\' 'a\x41')"), ElementsAre("AB \t\\\"'", "aA"));
    EXPECT_THAT(words_of(R"(\u00e9 \U0001f600)"), ElementsAre("\xc3\xa9", "\xf0\x9f\x98\x80"));
}

TEST(words_of, keep_what_is_no_escape_sequence) {
    for (const char* text :
         {R"(\x4)", R"(\xzz)", R"(\x00)", R"(\q)", R"(\9)", R"(\400)", R"(\u12)", R"(\U00110000)"})
        EXPECT_THAT(words_of(text), ElementsAre(std::string(text).substr(1))) << text;
    EXPECT_THAT(words_of("a\\"), ElementsAre("a\\"));
}

TEST(quoted, gives_a_word_that_is_read_as_the_same_text) {
    for (const std::string text : {"A=b", "A=b c", "A=\"'\\", "A=\t\n\x1b\x7f", "A=\\x41 %n", "A=\xc3\xa9"})
        EXPECT_THAT(words_of(systemd::quoted(text)), ElementsAre(text));
}

class folder_of_units : public ::testing::Test {
protected:
    void TearDown() override { fs::remove_all(root_); }

    void write(const std::string& file, const std::string& text) const {
        const fs::path path = root_ + "/etc/systemd/system/" + file;
        fs::create_directories(path.parent_path());
        std::ofstream(path) << text;
    }
    [[nodiscard]] unit loaded(const std::string& text) const {
        write("a.service", text);
        return load_unit(root_, "a").found.value();
    }
    [[nodiscard]] const std::string& root() const { return root_; }

private:
    std::string root_ = fs::temp_directory_path() / ("units" + std::to_string(::getpid()));
};

TEST_F(folder_of_units, may_begin_with_a_byte_order_mark) {
    EXPECT_EQ(loaded("\xef\xbb\xbf[Service]\nExecStart=/a\n").value("ExecStart"), "/a");
}

TEST_F(folder_of_units, have_lines_that_go_on) {
    EXPECT_EQ(loaded("[Service]\nExecStart=/a \\\n# a comment\n  b \\\n").value("ExecStart"), "/a  b");
    EXPECT_EQ(loaded("[Service]\nExecStart=/a").value("ExecStart"), "/a");
}

TEST_F(folder_of_units, apply_drop_ins_in_the_order_of_their_names) {
    write("a.service.d/2.conf", "[Service]\nNice=2\n");
    write("service.d/3.conf", "[Service]\nNice=3\n");
    write("a.service.d/1.conf", "[Service]\nNice=1\n");
    EXPECT_EQ(loaded("[Service]\nNice=0\n").value("Nice"), "3");
    const unit_result instead =
        load_unit(root(), "a", {"/etc/systemd/system/a.service.d/ibid.conf", "[Service]\nNice=9\n"});
    EXPECT_EQ(instead.found.value().value("Nice"), "9");
    EXPECT_EQ(instead.found.value().files.size(), 4U);
}

TEST_F(folder_of_units, tell_links_that_lead_to_no_unit) {
    write("b.service", "[Service]\nExecStart=/b\n");
    fs::create_symlink("b.service", root() + "/etc/systemd/system/alias.service");
    EXPECT_EQ(load_unit(root(), "alias").found.value().name, "b.service");
    fs::create_symlink("one.service", root() + "/etc/systemd/system/two.service");
    fs::create_symlink("two.service", root() + "/etc/systemd/system/one.service");
    EXPECT_THAT(load_unit(root(), "one").error, HasSubstr("which is no unit of a service"));
    fs::create_symlink("/etc/passwd", root() + "/etc/systemd/system/odd.service");
    EXPECT_THAT(load_unit(root(), "odd").error, HasSubstr("which is no unit of a service"));
}

} // namespace
} // namespace ibid::cli::systemd
