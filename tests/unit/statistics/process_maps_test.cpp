// SPDX-License-Identifier: Apache-2.0
//
// Parsing /proc/PID/maps.
#include "statistics/process_maps.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace ibid::shared_statistics {
namespace {

TEST(process_maps, have_ranges_modes_files_and_names) {
    const std::string text = "55a0-55a2 r-xp 00002000 08:01 77    /usr/lib/libssl.so.3\n"
                             "7f00000000-7f00001000 rw-s 100000000 fd:00 18446744073709551615 /a b  c\n"
                             "7ffd-7ffe rw-p 00000000 00:00 0     [heap]\n"
                             "8000-9000 ---p 00000000 00:00 0 \n"
                             "9000-a000 rw-p 00000000 00:00 0\n"
                             "a000-b000 r--p 00000000 00:0e 5     anon_inode:[perf/x]\n"
                             "b000-c000 r--p 00000000 00:0e 5     /x\\012y (deleted) (deleted)";
    std::vector<mapping> all;
    for (const mapping& m : mappings(text))
        all.push_back(m);
    ASSERT_EQ(all.size(), 7u);
    EXPECT_EQ(all[0].start, 0x55a0u);
    EXPECT_EQ(all[0].end, 0x55a2u);
    EXPECT_EQ(all[0].range, "55a0-55a2");
    EXPECT_EQ(all[0].offset, 0x2000u);
    EXPECT_EQ(all[0].inode, 77u);
    EXPECT_EQ(all[0].file(), "/usr/lib/libssl.so.3");
    EXPECT_TRUE(all[0].is_readable() && all[0].is_executable() && all[0].is_private());
    EXPECT_FALSE(all[0].is_writable());
    EXPECT_EQ(all[1].offset, 0x100000000u);
    EXPECT_EQ(all[1].inode, UINT64_MAX);
    EXPECT_EQ(all[1].file(), "/a b  c");
    EXPECT_FALSE(all[1].is_private());
    EXPECT_EQ(all[2].name, "[heap]");
    EXPECT_EQ(all[2].file(), "");
    EXPECT_EQ(all[3].name, "");
    EXPECT_FALSE(all[3].is_readable());
    EXPECT_EQ(all[4].name, "");
    EXPECT_EQ(all[5].name, "anon_inode:[perf/x]");
    EXPECT_EQ(all[5].file(), "");
    EXPECT_EQ(all[6].file(), "/x\\012y (deleted) (deleted)");
}

TEST(process_maps, skip_what_is_no_line_of_them) {
    for (const std::string line :
         {"", "\n", " ", "55a0 r-xp 0 08:01 7 /x", "55a0-55ag r-xp 0 08:01 7 /x", "-55a0 r-xp 0 08:01 7 /x",
          "55a0-55a2 r-x 0 08:01 7 /x", "55a0-55a2 r-xp 0 08:01", "55a0-55a2 r-xp z 08:01 7 /x",
          "55a0-55a2 r-xp 0 0801 7 /x", "55a0-55a2 r-xp 0 08:01 x /x",
          "11111111111111111-2 r-xp 0 08:01 7 /x"}) {
        EXPECT_FALSE(parse_mapping(line)) << line;
        int n = 0;
        const std::string text = line + "\n1-2 r-xp 0 08:01 7 /good\n" + line;
        for (const mapping& m : mappings(text)) {
            EXPECT_EQ(m.start, 1u);
            ++n;
        }
        EXPECT_EQ(n, 1) << line;
    }
}

TEST(process_maps, of_this_process_have_a_file_with_an_odd_name) {
    const std::string name = "/tmp/ibid (deleted) a\nb 1-2 r-xp " + std::to_string(::getpid());
    const int file = ::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ASSERT_GE(file, 0);
    ASSERT_EQ(::ftruncate(file, 100), 0);
    void* const p = ::mmap(nullptr, 100, PROT_READ, MAP_SHARED, file, 0);
    ASSERT_NE(p, MAP_FAILED);
    ::close(file);
    ::unlink(name.c_str());
    std::ifstream maps("/proc/self/maps");
    const std::string text{std::istreambuf_iterator<char>(maps), {}};
    std::string found;
    for (const mapping& m : mappings(text)) {
        if (m.start == reinterpret_cast<std::uintptr_t>(p))
            found = m.file();
    }
    std::string expected = name + " (deleted)";
    EXPECT_EQ(found, expected.replace(expected.find('\n'), 1, "\\012"));
    ::munmap(p, 100);
}

} // namespace
} // namespace ibid::shared_statistics
