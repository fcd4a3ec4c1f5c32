// SPDX-License-Identifier: Apache-2.0
//
// Files that somebody else has made: reading one ends, and a path of an image stays in it.
#include "cli/base/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

namespace ibid::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

class files_of_others : public ::testing::Test {
protected:
    void SetUp() override { fs::create_directories(root_ + "/a/b"); }
    void TearDown() override { fs::remove_all(root_); }

    void link(const std::string& to, const std::string& at) const { fs::create_symlink(to, root_ + at); }
    [[nodiscard]] std::string at(const std::string& path, bool last_link = true) const {
        const std::string found = inside(root_, path, last_link);
        return found.starts_with(root_) ? found.substr(root_.size()) : "outside: " + found;
    }
    [[nodiscard]] const std::string& root() const { return root_; }

private:
    std::string root_ = fs::temp_directory_path() / ("files" + std::to_string(::getpid()));
};

TEST_F(files_of_others, a_path_stays_in_the_image) {
    EXPECT_EQ(inside("", "/a/../b"), "/a/../b");
    EXPECT_EQ(at("/a/b/c"), "/a/b/c");
    EXPECT_EQ(at("/../../a//./b/../c"), "/a/c");
    link("/a", "/absolute");
    link("../../../a", "/a/relative");
    link("absolute/b", "/chain");
    EXPECT_EQ(at("/absolute/x"), "/a/x");
    EXPECT_EQ(at("/a/relative/x"), "/a/x");
    EXPECT_EQ(at("/chain/x"), "/a/b/x");
    EXPECT_EQ(at("/chain/.."), "/a");
}

TEST_F(files_of_others, the_last_link_may_be_left_as_it_is) {
    link("/a", "/last");
    EXPECT_EQ(at("/last"), "/a");
    EXPECT_EQ(at("/last", false), "/last");
    EXPECT_EQ(at("/last/b", false), "/a/b");
}

TEST_F(files_of_others, links_without_an_end_lead_to_no_file) {
    link("two", "/one");
    link("one", "/two");
    EXPECT_FALSE(fs::exists(fs::symlink_status(inside(root(), "/one"))));
    EXPECT_FALSE(fs::exists(fs::symlink_status(inside(root(), "/one/x"))));
}

TEST_F(files_of_others, only_a_regular_file_is_read) {
    std::ofstream(root() + "/text") << "a\n\nb";
    EXPECT_EQ(read_text_file(root() + "/text").text, "a\n\nb");
    EXPECT_THAT(lines_of_file(root() + "/text"), ElementsAre("a", "", "b"));
    ASSERT_EQ(::mkfifo((root() + "/fifo").c_str(), 0600), 0);
    for (const std::string& other : {root() + "/fifo", root(), std::string("/dev/zero")})
        EXPECT_EQ(read_text_file(other).why_not, "it is not a regular file") << other;
    EXPECT_EQ(read_text_file("/dev/null").text, "");
    EXPECT_FALSE(read_text_file(root() + "/nothing").is_there());
    EXPECT_TRUE(read_text_file("/proc/self/mem").is_there()) << "it is, and cannot be read";
    fs::resize_file(root() + "/text", (1 << 20) + 1);
    EXPECT_EQ(read_text_file(root() + "/text").why_not, "it is too large");
}

} // namespace
} // namespace ibid::cli
