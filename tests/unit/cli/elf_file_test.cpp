// SPDX-License-Identifier: Apache-2.0
//
// Reading ELF files: real ones, and truncated or damaged ones.
#include "cli/programs/elf_file.h"
#include "cli/programs/file_bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <elf.h>

namespace ibid::cli {
namespace {

using ::testing::Contains;
using ::testing::StartsWith;

std::string text_of(const std::string& path) {
    const file_bytes file(path);
    return std::string(file.slice(0, file.size()));
}

std::optional<elf_file> parsed(std::string_view bytes) {
    return parse_elf(file_bytes::in_memory(bytes));
}

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
    EXPECT_FALSE(parsed(""));
    EXPECT_FALSE(parsed("\177ELF"));
}

TEST(elf, a_file_of_another_word_size_or_processor_is_elf_but_not_native) {
    const std::string bytes = text_of(DYNAMIC_PROGRAM);
    std::string narrow = bytes;
    narrow[4] = 1; // ELFCLASS32
    ASSERT_TRUE(parsed(narrow));
    EXPECT_FALSE(parsed(narrow)->native);
    std::string foreign = bytes;
    foreign[18] = 8; // EM_MIPS
    ASSERT_TRUE(parsed(foreign));
    EXPECT_FALSE(parsed(foreign)->native);
}

TEST(elf, a_file_that_is_cut_short_anywhere_is_read_as_far_as_it_goes) {
    const std::string whole = text_of(DYNAMIC_PROGRAM);
    for (std::size_t length = 0; length < whole.size(); length += length < 2048 ? 1 : 97) {
        const std::string part(
            whole.substr(0, length)); // on the heap, so that a sanitizer reports a read past the end
        (void)parsed(part);
    }
}

TEST(elf, a_damaged_file_does_no_harm) {
    const std::string whole = text_of(SYMBOLIC_LIBRARY);
    std::mt19937 random(20250101);
    for (int round = 0; round < 3000; ++round) {
        std::string damaged(whole.substr(0, 16384));
        for (int i = 0; i < 4; ++i)
            damaged[random() % std::min<std::size_t>(damaged.size(), 1024)] = static_cast<char>(random());
        (void)parsed(damaged);
    }
}

// A library of one segment, as a hostile process may map it: its dynamic section names its own name, of a
// megabyte, as often as that fits.
std::string with_many_needed(unsigned headers) {
    constexpr std::size_t entries = 32768;
    constexpr std::size_t name = std::size_t{1} << 20;
    const std::size_t table = sizeof(Elf64_Ehdr) + headers * sizeof(Elf64_Phdr);
    const std::size_t names = table + entries * sizeof(Elf64_Dyn);
    std::string bytes(names + name + 1, '\0');
    const auto put = [&bytes](std::size_t at, const auto& value) {
        std::memcpy(bytes.data() + at, &value, sizeof(value));
    };
    std::string header = text_of(DYNAMIC_PROGRAM).substr(0, sizeof(Elf64_Ehdr));
    bytes.replace(0, header.size(), header);
    Elf64_Ehdr e;
    std::memcpy(&e, header.data(), sizeof(e));
    e.e_phoff = sizeof(e);
    e.e_phnum = static_cast<Elf64_Half>(headers);
    put(0, e);
    Elf64_Phdr load{};
    load.p_type = PT_LOAD;
    load.p_filesz = bytes.size();
    put(sizeof(e), load);
    Elf64_Phdr dynamic{};
    dynamic.p_type = PT_DYNAMIC;
    dynamic.p_offset = table;
    dynamic.p_filesz = entries * sizeof(Elf64_Dyn);
    for (unsigned i = 1; i < headers; ++i)
        put(sizeof(e) + i * sizeof(load), dynamic);
    for (std::size_t i = 0; i < entries; ++i) {
        Elf64_Dyn entry{};
        entry.d_tag = i == 0 ? DT_STRTAB : DT_NEEDED;
        entry.d_un.d_val = i == 0 ? names : 0;
        put(table + i * sizeof(entry), entry);
    }
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(names), bytes.end() - 1, 'x');
    return bytes;
}

TEST(elf, a_file_that_names_a_long_text_again_and_again_takes_little_memory) {
    for (const unsigned headers : {2U, 65535U}) {
        const auto e = parsed(with_many_needed(headers));
        ASSERT_TRUE(e && e->dynamic);
        EXPECT_EQ(e->needed.size(), 4096U);
        EXPECT_EQ(e->needed.back().size(), 4096U);
    }
}

TEST(elf, the_first_table_of_symbols_counts) {
    std::string bytes = text_of(DYNAMIC_PROGRAM);
    Elf64_Ehdr e;
    std::memcpy(&e, bytes.data(), sizeof(e));
    const auto symbols_in = [](const std::string& file) {
        std::size_t count = 0;
        for_each_symbol(file_bytes::in_memory(file), [&count](std::string_view, bool) { ++count; });
        return count;
    };
    // The section headers once more, at the end, where each is the table.
    Elf64_Shdr table{};
    for (unsigned i = 0; i < e.e_shnum && table.sh_type != SHT_DYNSYM; ++i)
        std::memcpy(&table, bytes.data() + e.e_shoff + i * sizeof(table), sizeof(table));
    ASSERT_EQ(table.sh_type, static_cast<Elf64_Word>(SHT_DYNSYM));
    std::string sections = bytes.substr(e.e_shoff, std::size_t{e.e_shnum} * sizeof(table));
    for (unsigned i = 0; i < 60000; ++i)
        sections.append(reinterpret_cast<const char*>(&table), sizeof(table));
    const std::size_t once = symbols_in(bytes);
    e.e_shoff = bytes.size();
    e.e_shnum = static_cast<Elf64_Half>(sections.size() / sizeof(table));
    bytes += sections;
    std::memcpy(bytes.data(), &e, sizeof(e));
    EXPECT_GT(once, 0U);
    EXPECT_EQ(symbols_in(bytes), once);
}

TEST(elf, symbols_are_told_with_who_defines_them) {
    std::vector<std::string> defined;
    std::vector<std::string> asked_for;
    for_each_symbol(file_bytes(DYNAMIC_PROGRAM),
                    [&](std::string_view name, bool own) { (own ? defined : asked_for).emplace_back(name); });
    EXPECT_THAT(asked_for, Contains("__libc_start_main"));
    for_each_symbol(file_bytes(PLAIN_LIBRARY),
                    [&](std::string_view name, bool own) { (own ? defined : asked_for).emplace_back(name); });
    EXPECT_FALSE(defined.empty());
}

TEST(elf, symbols_of_a_damaged_file_do_no_harm) {
    const std::string whole = text_of(DYNAMIC_PROGRAM);
    std::mt19937 random(20250102);
    for (int round = 0; round < 2000; ++round) {
        std::string damaged(whole);
        for (int i = 0; i < 4; ++i) // also in the section headers, at the end
            damaged[damaged.size() - 1 - random() % 2048] = static_cast<char>(random());
        for_each_symbol(file_bytes::in_memory(damaged), [](std::string_view, bool) {});
    }
}

TEST(elf, texts_are_searched_for_in_data_and_not_in_code) {
    const std::string file = text_of(DYNAMIC_PROGRAM);
    std::size_t searched = 0;
    bool has_loader = false;
    const auto look = [&](std::string_view part, std::uint64_t) {
        searched += part.size();
        has_loader |= part.find("/lib64/ld-") != std::string_view::npos ||
                      part.find("/lib/ld-") != std::string_view::npos; // .interp
        return false;
    };
    EXPECT_FALSE(any_data(file_bytes(DYNAMIC_PROGRAM), look));
    EXPECT_LT(searched, file.size() * 3 / 4); // without code, .symtab and .strtab
    EXPECT_TRUE(has_loader);
    const auto is_all = [](std::string_view part, std::uint64_t) { return part == "no ELF"; };
    EXPECT_TRUE(any_data(file_bytes::in_memory("no ELF"), is_all));

    std::mt19937 random(20250102);
    for (int round = 0; round < 2000; ++round) {
        std::string damaged(file);
        for (int i = 0; i < 4; ++i)
            damaged[damaged.size() - 1 - random() % 2048] = static_cast<char>(random());
        any_data(file_bytes::in_memory(damaged), [&damaged](std::string_view part, std::uint64_t offset) {
            EXPECT_EQ(part.data(), damaged.data() + offset);
            EXPECT_LE(part.size(), damaged.size() - offset);
            return false;
        });
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
