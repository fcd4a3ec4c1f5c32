// SPDX-License-Identifier: Apache-2.0
//
// The law of the unequal fences, forced: of two threads that each announce themselves and then look, at least one sees
// the other. Without fences this fails within a few thousand rounds on x86-64 and arm64.
#include <atomic>
#include <barrier>
#include <thread>

#include <gtest/gtest.h>

#include "ibid/detail/fence.h"

namespace {

int both_blind(bool asymmetric) {
    constexpr int rounds = 20'000;
    alignas(64) std::atomic<int> left{0};
    alignas(64) std::atomic<int> right{0};
    int left_saw = 0;
    int right_saw = 0;
    int blind = 0;
    std::barrier start(2);
    std::barrier stop(2, [&]() noexcept {
        blind += left_saw == 0 && right_saw == 0 ? 1 : 0;
        left = 0;
        right = 0;
    });
    std::thread other([&] {
        for (int i = 0; i < rounds; ++i) {
            start.arrive_and_wait();
            right.store(1, std::memory_order_relaxed);
            ibid::detail::heavy_fence(asymmetric);
            right_saw = left.load(std::memory_order_relaxed);
            stop.arrive_and_wait();
        }
    });
    for (int i = 0; i < rounds; ++i) {
        start.arrive_and_wait();
        left.store(1, std::memory_order_relaxed);
        ibid::detail::light_fence(asymmetric);
        left_saw = right.load(std::memory_order_relaxed);
        stop.arrive_and_wait();
    }
    other.join();
    return blind;
}

TEST(fences, of_unequal_price_keep_their_law) {
    if (!ibid::detail::asymmetric_fences()) {
        GTEST_SKIP() << "this kernel or sandbox has no membarrier";
    }
    EXPECT_EQ(both_blind(true), 0);
}

TEST(fences, of_equal_price_keep_it_too) {
    EXPECT_EQ(both_blind(false), 0);
}

} // namespace
