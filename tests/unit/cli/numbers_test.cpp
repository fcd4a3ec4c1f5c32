// SPDX-License-Identifier: Apache-2.0
#include "cli/base/numbers.h"

#include <gtest/gtest.h>

namespace ibid::cli {
namespace {

TEST(numbers, are_grouped_by_thousands) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(1000), "1,000");
    EXPECT_EQ(grouped(1234567), "1,234,567");
    EXPECT_EQ(grouped(UINT64_MAX), "18,446,744,073,709,551,615");
}

TEST(numbers, of_bytes_have_one_decimal_and_a_unit) {
    EXPECT_EQ(bytes_text(0), "0 B");
    EXPECT_EQ(bytes_text(1023), "1023 B");
    EXPECT_EQ(bytes_text(1536), "1.5 KiB");
    EXPECT_EQ(bytes_text(std::uint64_t{5} << 20), "5.0 MiB");
    EXPECT_EQ(bytes_text(UINT64_MAX), "16777216.0 TiB");
}

TEST(numbers, make_their_noun_plural) {
    EXPECT_EQ(counted(0, "hit"), "0 hits");
    EXPECT_EQ(counted(1, "hit"), "1 hit");
    EXPECT_EQ(counted(2000, "hit"), "2,000 hits");
}

} // namespace
} // namespace ibid::cli
