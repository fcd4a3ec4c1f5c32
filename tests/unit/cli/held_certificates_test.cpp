// SPDX-License-Identifier: Apache-2.0
//
// Reading a process with forged data: this process, with memory of random words that point to each other.
#include "cli/certs/held_certificates.h"

#include "statistics/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <unistd.h>

namespace ibid::cli::certs {
namespace {

using shared_statistics::certificates_anchor;

std::uint64_t address_of(const void* p) {
    return reinterpret_cast<std::uintptr_t>(p);
}

// A TBSCertificate with empty names.
std::string small_certificate() {
    const std::string time = "\x17\x0d"
                             "260101000000Z";
    const std::string inner = std::string("\x02\x01\x05") + std::string("\x30\x00", 2) +
                              std::string("\x30\x00", 2) + "\x30\x1e" + time + time +
                              std::string("\x30\x00", 2) + std::string("\x30\x00", 2);
    return std::string("\x30") + static_cast<char>(inner.size()) + inner;
}

reading read_of_this(std::uint64_t anchor, budget left = {}) {
    return read_certificates(::getpid(), anchor, left);
}

// All structures in one block: a home, a table with one array of eight slots, one entry, one X509.
struct picture {
    alignas(64) std::uint64_t slots[8]{};
    std::uint64_t home_word = 0;
    std::uint64_t home[2]{};  // [1]: the table
    std::uint64_t table[4]{}; // [2]: the word of the array
    std::uint64_t entry[6]{}; // word, home, X509, -, bytes of DER
    std::uint64_t x509[32]{};
    std::string der = small_certificate();
    certificates_anchor anchor{};

    picture() {
        anchor = {.magic = shared_statistics::magic_number,
                  .home = address_of(&home_word),
                  .slot_address = (std::uint64_t{1} << 48) - 1,
                  .retained = std::uint64_t{1} << 49,
                  .table = 8,
                  .first_array = 16,
                  .arrays_apart = 64,
                  .arrays = 1,
                  .entry_home = 8,
                  .entry_x509 = 16,
                  .entry_der_size = 32,
                  .entry_bytes = 48};
        home_word = address_of(home);
        home[1] = address_of(table);
        table[2] = address_of(slots) | 3;
        slots[5] = address_of(entry) | std::uint64_t{0x1234} << 48;
        entry[0] = std::uint64_t{1} << 49;
        entry[1] = address_of(home);
        entry[2] = address_of(x509);
        entry[4] = der.size() + 40;
        x509[14] = address_of(der.data());
        x509[15] = der.size();
        x509[24] = 7;
    }
    picture(const picture&) = delete;
    [[nodiscard]] reading read() const { return read_of_this(address_of(&anchor)); }
};

TEST(held_certificates, are_found_by_the_anchor) {
    const picture p;
    const reading r = p.read();
    ASSERT_EQ(r.certificates.size(), 1U);
    EXPECT_EQ(r.certificates[0].shown.serial, "05");
    EXPECT_EQ(r.certificates[0].shown.not_after, "2026-01-01T00:00:00Z");
    EXPECT_TRUE(r.certificates[0].retained);
    EXPECT_EQ(r.certificates[0].holders, 6U); // without ibid's own
    EXPECT_EQ(r.missed, 0U);
}

TEST(held_certificates, an_encoding_elsewhere_in_the_object_is_found_too) {
    picture p;
    p.x509[6] = p.x509[14];
    p.x509[7] = p.x509[15];
    p.x509[14] = 0;
    p.x509[16] = 3; // with the same distance as before
    const reading r = p.read();
    ASSERT_EQ(r.certificates.size(), 1U);
    EXPECT_EQ(r.certificates[0].holders, 2U);
}

TEST(held_certificates, one_that_is_not_whole_is_missed) {
    const auto missed_with = [](auto&& change) {
        picture p;
        change(p);
        const reading r = p.read();
        return r.certificates.empty() && r.missed == 1;
    };
    EXPECT_TRUE(missed_with([](picture& p) { p.entry[1] ^= 8; }));         // another table's
    EXPECT_TRUE(missed_with([](picture& p) { p.entry[2] = 4096; }));       // not mapped
    EXPECT_TRUE(missed_with([](picture& p) { p.x509[14] = 8; }));          // also not mapped
    EXPECT_TRUE(missed_with([](picture& p) { p.x509[15] -= 1; }));         // cut short
    EXPECT_TRUE(missed_with([](picture& p) { p.entry[4] = p.x509[15]; })); // the part as large as the whole
    EXPECT_TRUE(missed_with([](picture& p) { p.der[0] = 'x'; }));
}

TEST(held_certificates, one_that_stands_in_many_slots_is_read_once) {
    picture p;
    for (std::uint64_t& slot : p.slots)
        slot = address_of(p.entry) | std::uint64_t{0x1234} << 48;
    p.anchor.arrays = 64;
    p.anchor.arrays_apart = 0; // all the same
    EXPECT_EQ(p.read().certificates.size(), 1U);
}

TEST(held_certificates, are_cut_where_a_budget_ends_and_that_is_told) {
    const auto cut_with = [](auto&& change) {
        const picture p;
        budget left;
        change(left);
        const reading r = read_of_this(address_of(&p.anchor), left);
        return r.cut && r.certificates.empty();
    };
    EXPECT_TRUE(cut_with([](budget& b) { b.slots = 7; }));
    EXPECT_TRUE(cut_with([](budget& b) { b.certificates = 0; }));
    EXPECT_TRUE(cut_with([](budget& b) { b.der_bytes = 0; }));
    EXPECT_TRUE(cut_with([](budget& b) { b.text_bytes = 0; }));
    EXPECT_TRUE(cut_with([](budget& b) { b.end = {}; }));
    EXPECT_FALSE(picture().read().cut);
}

TEST(held_certificates, a_wrong_anchor_is_refused) {
    for (std::size_t word = 0; word < sizeof(certificates_anchor) / 4; ++word) {
        picture p;
        const std::uint32_t huge = 0x7fffffff;
        std::memcpy(reinterpret_cast<char*>(&p.anchor) + word * 4, &huge, 4);
        EXPECT_LE(p.read().certificates.size(), 1U) << word;
    }
    EXPECT_TRUE(read_of_this(4096).failed);
    EXPECT_FALSE(read_of_this(0).failed);
}

TEST(held_certificates, memory_of_any_words_ends_in_a_bounded_number_of_reads) {
    std::mt19937_64 random(20261129);
    std::vector<std::uint64_t> memory(8192);
    for (int round = 0; round < 40; ++round) {
        for (std::uint64_t& word : memory)
            word =
                random() % 4 == 0 ? random() : address_of(&memory[random() % memory.size()]) | random() % 8;
        auto* const anchor = reinterpret_cast<certificates_anchor*>(&memory[random() % 4096]);
        *anchor = picture().anchor;
        anchor->home = address_of(&memory[random() % memory.size()]);
        anchor->arrays = static_cast<std::uint32_t>(random() % 65);
        anchor->arrays_apart = static_cast<std::uint32_t>(random() % 4097);
        const reading r = read_of_this(address_of(anchor));
        EXPECT_TRUE(r.certificates.empty());
    }
}

} // namespace
} // namespace ibid::cli::certs
