// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "ibid/detail/table/weak_table.h"

namespace ibid {
namespace {

using detail::slot_bits;

TEST(slot_bits, have_the_bits_that_this_test_is_built_for) {
    EXPECT_EQ(slot_bits::tag_bits, IBID_SLOT_TAG_BITS == 56 ? 8U : unsigned{IBID_SLOT_TAG_BITS});
    EXPECT_EQ(slot_bits::tag_of(0) & slot_bits::address_mask, 0U);
    EXPECT_EQ(slot_bits::tag_of(~std::uint64_t{0}), slot_bits::tag_mask);
}

// Addresses as on arm64 with tagged heaps or HWAddressSanitizer, or as with five levels of page tables.
TEST(slot_bits, hold_the_largest_addresses) {
    const std::uint64_t colored =
        slot_bits::above_56 ? 0x00ff'7fff'1234'5670 : std::uint64_t{0xb400'7fff'1234'5670};
    EXPECT_TRUE(detail::fits_a_slot(reinterpret_cast<const void*>(colored)));
    EXPECT_EQ((colored | slot_bits::tag_of(~std::uint64_t{0})) & slot_bits::address_mask, colored);
}

TEST(slot_bits, find_every_key_among_many) {
    cache<std::uint64_t, std::uint64_t> c;
    std::vector<handle<std::uint64_t>> held;
    for (std::uint64_t i = 0; i < 20'000; ++i) {
        held.push_back(c.intern(i, [i] { return i; }));
        if (i % 3 == 0) {
            held[i / 2].reset();
        }
    }
    for (std::uint64_t i = 0; i < held.size(); ++i) {
        EXPECT_EQ(c.find(i), held[i]);
    }
}

} // namespace
} // namespace ibid
