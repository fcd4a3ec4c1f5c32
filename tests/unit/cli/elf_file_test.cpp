// SPDX-License-Identifier: Apache-2.0
//
// Reading ELF files: real ones, and truncated or damaged ones.
#include "cli/programs/elf_file.h"
#include "cli/programs/mapped_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace ibid::cli {
namespace {

using ::testing::Contains;
using ::testing::StartsWith;

TEST(elf, a_dynamic_program_names_its_loader_and_its_libraries) {
    const auto e = read_elf(DYNAMIC_PROGRAM);
    ASSERT_TRUE(e);
    EXPECT_TRUE(e->native);
    EXPECT_TRUE(e->dynamic);
    EXPECT_FALSE(e->symbolic);
    EXPECT_THAT(e->interpreter, StartsWith("/lib"));
    EXPECT_THAT(e->needed, Contains("libc.so.6"));
}

#ifdef STATIC_PROGRAM
TEST(elf, a_static_program_names_no_loader) {
    const auto e = read_elf(STATIC_PROGRAM);
    ASSERT_TRUE(e);
    EXPECT_TRUE(e->native);
    EXPECT_EQ(e->interpreter, "");
}
#endif

TEST(elf, a_library_that_is_bound_to_itself_is_told_from_one_that_is_not) {
    for (const char* const library : {SYMBOLIC_LIBRARY, SYMBOLIC_FUNCTIONS_LIBRARY}) {
        ASSERT_TRUE(read_elf(library));
        EXPECT_TRUE(read_elf(library)->symbolic) << library;
    }
    for (const char* const library : {PLAIN_LIBRARY, NO_PLT_LIBRARY}) {
        ASSERT_TRUE(read_elf(library));
        EXPECT_FALSE(read_elf(library)->symbolic) << library;
    }
    EXPECT_EQ(read_elf(PLAIN_LIBRARY)->soname, "libibid_test_plain_library.so");
}

TEST(elf, what_is_no_elf_file_is_nothing) {
    EXPECT_FALSE(read_elf("/etc/passwd"));
    EXPECT_FALSE(read_elf("/nowhere/at/all"));
    EXPECT_FALSE(read_elf("/tmp"));
    EXPECT_FALSE(parse_elf(""));
    EXPECT_FALSE(parse_elf("\177ELF"));
}

TEST(elf, a_file_of_another_word_size_or_processor_is_elf_but_not_native) {
    std::string bytes(mapped_file(DYNAMIC_PROGRAM).bytes());
    std::string narrow = bytes;
    narrow[4] = 1; // ELFCLASS32
    ASSERT_TRUE(parse_elf(narrow));
    EXPECT_FALSE(parse_elf(narrow)->native);
    std::string foreign = bytes;
    foreign[18] = 8; // EM_MIPS
    ASSERT_TRUE(parse_elf(foreign));
    EXPECT_FALSE(parse_elf(foreign)->native);
}

TEST(elf, a_file_that_is_cut_short_anywhere_is_read_as_far_as_it_goes) {
    const mapped_file whole(DYNAMIC_PROGRAM);
    for (std::size_t length = 0; length < whole.bytes().size(); length += length < 2048 ? 1 : 97) {
        const std::string part(
            whole.bytes().substr(0, length)); // on the heap, so that a sanitizer reports a read past the end
        (void)parse_elf(part);
    }
}

TEST(elf, a_damaged_file_does_no_harm) {
    const mapped_file whole(SYMBOLIC_LIBRARY);
    std::mt19937 random(20250101);
    for (int round = 0; round < 3000; ++round) {
        std::string damaged(whole.bytes().substr(0, 16384));
        for (int i = 0; i < 4; ++i)
            damaged[random() % std::min<std::size_t>(damaged.size(), 1024)] = static_cast<char>(random());
        (void)parse_elf(damaged);
    }
}

TEST(elf, symbols_are_told_with_who_defines_them) {
    std::vector<std::string> defined;
    std::vector<std::string> asked_for;
    for_each_symbol(mapped_file(DYNAMIC_PROGRAM).bytes(),
                    [&](std::string_view name, bool own) { (own ? defined : asked_for).emplace_back(name); });
    EXPECT_THAT(asked_for, Contains("__libc_start_main"));
    for_each_symbol(mapped_file(PLAIN_LIBRARY).bytes(),
                    [&](std::string_view name, bool own) { (own ? defined : asked_for).emplace_back(name); });
    EXPECT_FALSE(defined.empty());
}

TEST(elf, symbols_of_a_damaged_file_do_no_harm) {
    const mapped_file whole(DYNAMIC_PROGRAM);
    std::mt19937 random(20250102);
    for (int round = 0; round < 2000; ++round) {
        std::string damaged(whole.bytes());
        for (int i = 0; i < 4; ++i) // also in the section headers, at the end
            damaged[damaged.size() - 1 - random() % 2048] = static_cast<char>(random());
        for_each_symbol(damaged, [](std::string_view, bool) {});
    }
}

TEST(elf, texts_are_searched_for_in_data_and_not_in_code) {
    const mapped_file file(DYNAMIC_PROGRAM);
    std::size_t searched = 0;
    bool has_loader = false;
    for (const std::string_view part : data_of(file.bytes())) {
        searched += part.size();
        has_loader |= part.find("/lib64/ld-") != std::string_view::npos ||
                      part.find("/lib/ld-") != std::string_view::npos; // .interp
    }
    EXPECT_LT(searched, file.bytes().size() * 3 / 4); // without code, .symtab and .strtab
    EXPECT_TRUE(has_loader);
    EXPECT_EQ(data_of("no ELF"), std::vector<std::string_view>{"no ELF"});

    std::mt19937 random(20250102);
    for (int round = 0; round < 2000; ++round) {
        std::string damaged(file.bytes());
        for (int i = 0; i < 4; ++i)
            damaged[damaged.size() - 1 - random() % 2048] = static_cast<char>(random());
        for (const std::string_view part : data_of(damaged))
            EXPECT_TRUE(part.data() >= damaged.data() &&
                        part.data() + part.size() <= damaged.data() + damaged.size());
    }
}

TEST(elf, the_version_of_openssl_is_found_in_its_text) {
    EXPECT_EQ(openssl_version_in("xx OpenSSL 3.0.19 27 Jan 2026 yy"), "3.0.19");
    EXPECT_EQ(openssl_version_in("OpenSSL default OpenSSL 3.5.0-beta1 1 Apr 2025"), "3.5.0-beta1");
    EXPECT_EQ(openssl_version_in("OpenSSL 1.1.1w  11 Sep 2023"), "1.1.1w");
    EXPECT_EQ(openssl_version_in("built by OpenSSL people"), "");
    EXPECT_EQ(openssl_version_in("OpenSSL 3"), "");
}

} // namespace
} // namespace ibid::cli
