// SPDX-License-Identifier: Apache-2.0
//
// Copying memory out of another process.
#include "statistics/foreign_memory.h"
#include "statistics/foreign_module.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

namespace ibid::shared_statistics {
namespace {

TEST(foreign_memory, of_which_a_part_is_not_mapped_is_an_error_that_errno_tells) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* const two = ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(two, MAP_FAILED);
    ASSERT_EQ(::munmap(static_cast<char*>(two) + page, page), 0);
    std::array<char, 32> bytes{};
    const std::uint64_t end = reinterpret_cast<std::uintptr_t>(two) + page;
    errno = EPERM;
    EXPECT_TRUE(copy_from(::getpid(), end - 32, bytes.data(), bytes.size()));
    EXPECT_EQ(errno, EPERM);
    EXPECT_FALSE(copy_from(::getpid(), end - 16, bytes.data(), bytes.size()));
    EXPECT_EQ(errno, EFAULT);
    errno = 0;
    EXPECT_FALSE(copy_from(::getpid(), end, bytes.data(), bytes.size()));
    EXPECT_EQ(errno, EFAULT);
    ::munmap(two, page);
}

TEST(foreign_module, is_read_by_its_headers) {
    const auto of_this_program = [](dl_phdr_info* info, std::size_t, void* into) {
        *static_cast<dl_phdr_info*>(into) = *info;
        return 1;
    };
    dl_phdr_info info{};
    ASSERT_EQ(::dl_iterate_phdr(of_this_program, &info), 1);
    // The headers are at the start of the file, which is mapped first.
    const auto start = reinterpret_cast<std::uintptr_t>(info.dlpi_phdr) - sizeof(Elf64_Ehdr);
    const auto module = foreign_module::read(::getpid(), start);
    ASSERT_TRUE(module);
    EXPECT_EQ(module->bias, info.dlpi_addr);
    EXPECT_EQ(module->segments.size(), info.dlpi_phnum);
    ASSERT_NE(module->segment(PT_DYNAMIC), nullptr);
    EXPECT_EQ(module->segment(0x7654321), nullptr);
}

TEST(foreign_module, is_none_where_other_bytes_are_or_nothing) {
    const std::array<char, 4096> zeros{};
    errno = EPERM;
    EXPECT_FALSE(foreign_module::read(::getpid(), reinterpret_cast<std::uintptr_t>(zeros.data())));
    EXPECT_EQ(errno, 0);
    EXPECT_FALSE(foreign_module::read(::getpid(), 16));
    EXPECT_EQ(errno, EFAULT);
    std::array<char, 4096> cut{}; // its segments would be elsewhere
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 1;
    header.e_phoff = std::uint64_t{1} << 60;
    std::memcpy(cut.data(), &header, sizeof(header));
    errno = 0;
    EXPECT_FALSE(foreign_module::read(::getpid(), reinterpret_cast<std::uintptr_t>(cut.data())));
    EXPECT_EQ(errno, EFAULT);
}

} // namespace
} // namespace ibid::shared_statistics
