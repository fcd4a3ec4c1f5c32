// SPDX-License-Identifier: Apache-2.0
//
// Slabs: small arrays of one size side by side, one place for each shard; all memory returns to the
// allocator.
#include <algorithm>
#include <memory_resource>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/detail/table/slot_memory.h"
#include "support/counting_memory.h"

namespace ibid {
namespace {

using namespace ibid::testing;

using allocator = std::pmr::polymorphic_allocator<std::byte>;
using memory_of_slots = detail::slot_memory<allocator>;
using lines = detail::cache_lines<detail::slot_allocator<std::byte, allocator>>;
using block = typename lines::block;

class slot_memory : public ::testing::Test {
protected:
    [[nodiscard]] block* allocate(std::size_t n) { return lines::allocate(from(), n); }
    void free(block* b, std::size_t n) { lines::free(from(), b, n); }
    [[nodiscard]] detail::slot_allocator<std::byte, allocator> from() {
        return detail::slot_allocator<std::byte, allocator>(slots_);
    }

    counting_memory memory_;
    memory_of_slots slots_{allocator(&memory_)};
};

TEST_F(slot_memory, of_all_shards_come_from_one_allocation_for_each_small_size) {
    std::size_t sizes = 0;
    for (std::size_t n = 1; n <= 32; n *= 2) {
        std::vector<block*> arrays;
        for (std::size_t shard = 0; shard < counter_stripes; ++shard) {
            arrays.push_back(allocate(n));
        }
        EXPECT_EQ(memory_.allocations(), ++sizes) << n;
        std::sort(arrays.begin(), arrays.end());
        for (std::size_t i = 1; i < arrays.size(); ++i) {
            EXPECT_GE(static_cast<unsigned char*>(lines::first_line(arrays[i])),
                      static_cast<unsigned char*>(lines::first_line(arrays[i - 1])) + 64 * n)
                << "arrays overlap";
        }
        for (block* b : arrays) {
            free(b, n);
        }
        EXPECT_EQ(memory_.bytes_out(), 0U) << n;
    }
}

TEST_F(slot_memory, that_are_many_are_allocated_by_themselves) {
    block* const one = allocate(64);
    block* const other = allocate(64);
    EXPECT_EQ(memory_.allocations(), 2U);
    free(one, 64);
    free(other, 64);
}

TEST_F(slot_memory,
       that_find_no_place_are_allocated_by_themselves_and_a_place_that_came_back_is_taken_again) {
    std::vector<block*> arrays;
    for (std::size_t shard = 0; shard < counter_stripes + 2; ++shard) {
        arrays.push_back(allocate(4));
    }
    EXPECT_EQ(memory_.allocations(), 3U);
    block* const back = arrays[5];
    free(back, 4);
    arrays[5] = allocate(4);
    EXPECT_EQ(arrays[5], back);
    EXPECT_EQ(memory_.allocations(), 3U);
    for (block* b : arrays) {
        free(b, 4);
    }
    EXPECT_EQ(memory_.bytes_out(), 0U);
}

TEST_F(slot_memory, that_cannot_be_allocated_leave_everything_as_it_was) {
    memory_.fail_after(0);
    EXPECT_THROW((void)allocate(1), std::bad_alloc);
    EXPECT_EQ(memory_.bytes_out(), 0U);
    memory_.fail_after(-1);
    free(allocate(1), 1);
}

} // namespace
} // namespace ibid
