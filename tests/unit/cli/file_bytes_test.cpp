// SPDX-License-Identifier: Apache-2.0
//
// Reading files in parts, also ones that their owner changes meanwhile.
#include "cli/programs/file_bytes.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ibid::cli {
namespace {

class file_bytes_test : public ::testing::Test {
protected:
    file_bytes_test() {
        std::string folder = ::testing::TempDir() + "file_bytes.XXXXXX";
        if (::mkdtemp(folder.data()) != nullptr)
            path = folder + "/file";
    }
    ~file_bytes_test() override {
        ::unlink(path.c_str());
        ::rmdir(path.substr(0, path.rfind('/')).c_str());
    }
    void write(const std::string& text) const { std::ofstream(path, std::ios::binary) << text; }

    std::string path;
};

TEST_F(file_bytes_test, are_those_of_the_file_wherever_one_begins) {
    std::string text;
    for (int i = 0; text.size() < 300'000; ++i)
        text += std::to_string(i);
    write(text);
    const file_bytes file(path);
    ASSERT_EQ(file.size(), text.size());
    EXPECT_EQ(file.slice(200'000, 10), text.substr(200'000, 10));
    EXPECT_EQ(file.slice(65'530, 12), text.substr(65'530, 12));
    EXPECT_EQ(file.slice(0, UINT64_MAX), text);
    EXPECT_EQ(file.slice(text.size() - 1, UINT64_MAX), text.substr(text.size() - 1));
    EXPECT_EQ(file.slice(text.size(), 1), "");
    EXPECT_EQ(file.slice(UINT64_MAX, UINT64_MAX), "");
    EXPECT_EQ(file.at<char>(100'000), text[100'000]);
    EXPECT_FALSE(file.at<int>(text.size() - 3));
}

TEST_F(file_bytes_test, have_each_short_text_whole_in_one_of_the_parts) {
    std::string text(1'000'000, '.');
    const std::string needle(file_bytes::overlap, 'x');
    write(text);
    for (std::size_t at = 262'144 - 70; at < 262'144 + 70; ++at) {
        std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(static_cast<long>(at))
            << needle;
        const file_bytes file(path);
        EXPECT_TRUE(file.any_part(0, file.size(), [&](std::string_view part, std::uint64_t offset) {
            return part.find(needle) == at - offset;
        })) << at;
        std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(static_cast<long>(at))
            << std::string(needle.size(), '.');
    }
    const file_bytes file(path);
    std::size_t seen = 0;
    EXPECT_FALSE(file.any_part(10, 20, [&seen](std::string_view part, std::uint64_t offset) {
        seen += part.size();
        return offset != 10;
    }));
    EXPECT_EQ(seen, 20U);
}

TEST_F(file_bytes_test, are_zeros_where_the_file_was_truncated_meanwhile) {
    write(std::string(300'000, 'x'));
    const file_bytes file(path);
    EXPECT_EQ(file.slice(0, 1), "x");
    ASSERT_EQ(::truncate(path.c_str(), 0), 0);
    const std::string_view all = file.slice(0, file.size());
    EXPECT_EQ(all.size(), 300'000U);
    EXPECT_EQ(all.back(), '\0');
    EXPECT_FALSE(
        file.any_part(0, file.size(), [](std::string_view part, std::uint64_t) { return !part.empty(); }));
}

TEST_F(file_bytes_test, of_a_sparse_file_end_at_a_limit) {
    write("x");
    ASSERT_EQ(::truncate(path.c_str(), off_t{8} << 30), 0);
    const file_bytes file(path);
    EXPECT_EQ(file.size(), std::size_t{8} << 30);
    EXPECT_EQ(file.slice(1000, file.size()).size(), file_bytes::most_read - 1000);
    EXPECT_EQ(file.slice(std::uint64_t{4} << 30, 1), "");
    EXPECT_EQ(file.slice(0, 1), "x");
    ASSERT_EQ(::truncate(path.c_str(), off_t{32} << 30), 0);
    EXPECT_EQ(file_bytes(path).size(), 0U);
}

TEST_F(file_bytes_test, are_none_of_what_is_no_regular_file) {
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    for (const std::string& one : {path, std::string("/dev/zero"), std::string("/"), path + ".not"}) {
        const file_bytes file(one);
        EXPECT_EQ(file.size(), 0U);
        EXPECT_EQ(file.slice(0, 100), "");
    }
}

} // namespace
} // namespace ibid::cli
