// SPDX-License-Identifier: Apache-2.0
//
// The preload's operator new, here as the operator new of the whole program.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <algorithm>
#include <new>
#include <thread>
#include <vector>

extern "C" char __bss_start, _end; // NOLINT(bugprone-reserved-identifier): the linker's names

namespace {

bool is_of_the_program(const void* p) {
    return p >= &__bss_start && p < &_end;
}

struct block {
    unsigned char* at;
    std::size_t size;
    std::size_t alignment;
    unsigned char mark;
};

block make(std::size_t size, std::size_t alignment, unsigned char mark) {
    auto* const at = static_cast<unsigned char*>(alignment > alignof(std::max_align_t)
                                                     ? ::operator new (size, std::align_val_t{alignment})
                                                     : ::operator new(size));
    std::memset(at, mark, size);
    return {at, size, alignment, mark};
}

bool whole(const block& b) {
    return std::all_of(b.at, b.at + b.size, [&](unsigned char c) { return c == b.mark; });
}

void end(const block& b, bool sized) {
    if (b.alignment > alignof(std::max_align_t)) {
        sized ? ::operator delete (b.at, b.size, std::align_val_t{b.alignment})
              : ::operator delete (b.at, std::align_val_t{b.alignment});
    } else {
        sized ? ::operator delete(b.at, b.size) : ::operator delete(b.at);
    }
}

// The first test, while the reserve is not used up: one thread frees memory, and the next one writes to it.
// ThreadSanitizer checks the order.
TEST(OperatorNew, ThreadsThatAllocateAndFreeByTurnsNeverShareABlock) {
    void* const own = ::operator new(24);
    ASSERT_TRUE(is_of_the_program(own)) << "the reserve is used up";
    ::operator delete(own, 24);
    std::vector<std::thread> threads;
    for (unsigned char t = 1; t <= 4; ++t)
        threads.emplace_back([t] {
            for (int i = 0; i < 20'000; ++i) {
                const block b = make(24 + static_cast<std::size_t>(i % 100), 16, t);
                if (!whole(b))
                    ADD_FAILURE() << "another thread wrote to it";
                end(b, true);
            }
        });
    for (std::thread& thread : threads)
        thread.join();
}

TEST(OperatorNew, ABlockThatIsFreedWhileItIsTheLastIsHandedOutAgain) {
    void* const first = ::operator new(100);
    // As a number: compilers may take two pointers to different objects for different.
    const auto address = reinterpret_cast<std::uintptr_t>(first);
    ::operator delete(first, 100);
    void* const second = ::operator new(100);
    EXPECT_EQ(address, reinterpret_cast<std::uintptr_t>(second));
    ::operator delete(second, 100);
}

TEST(OperatorNew, ABlockThatIsFreedBelowOthersStaysUntouched) {
    const block below = make(64, 16, 1);
    const block above = make(64, 16, 2);
    end(below, true);
    const block next = make(64, 16, 3);
    EXPECT_TRUE(whole(above));
    EXPECT_TRUE(whole(next));
    end(next, true);
    end(above, true);
}

TEST(OperatorNew, BlocksOfEachSizeAndAlignmentKeepWhatIsWrittenAlsoWhenTheReserveIsUsedUp) {
    std::vector<block> blocks;
    blocks.reserve(600);
    unsigned char mark = 0;
    for (const std::size_t alignment : {16, 32, 64, 128, 4096})
        for (std::size_t size = 0; size < 12'000; size += 101) {
            blocks.push_back(make(size, alignment, ++mark));
            EXPECT_EQ(reinterpret_cast<std::uintptr_t>(blocks.back().at) % alignment, 0U);
        }
    EXPECT_TRUE(std::all_of(blocks.begin(), blocks.end(), whole));
    for (std::size_t i = 0; i < blocks.size(); ++i)
        end(blocks[i], i % 2 == 0);
}

} // namespace
