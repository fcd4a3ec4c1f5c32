// SPDX-License-Identifier: Apache-2.0
//
// The law of the asymmetric fence: if two threads each store and then load, at least one sees the other's
// store. Without the fence, this test fails within a few thousand rounds on x86-64 and arm64.
#include <atomic>
#include <barrier>
#include <thread>

#include <gtest/gtest.h>

#include "ibid/detail/base/asymmetric_fence.h"

namespace {

TEST(fence, of_one_side_lets_one_of_two_see_the_other) {
    if (!ibid::detail::asymmetric_fence_available()) {
        GTEST_SKIP() << "this kernel or sandbox has no membarrier";
    }
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
            EXPECT_TRUE(ibid::detail::asymmetric_fence_heavy());
            right_saw = left.load(std::memory_order_relaxed);
            stop.arrive_and_wait();
        }
    });
    for (int i = 0; i < rounds; ++i) {
        start.arrive_and_wait();
        left.store(1, std::memory_order_relaxed);
        ibid::detail::asymmetric_fence_light();
        left_saw = right.load(std::memory_order_relaxed);
        stop.arrive_and_wait();
    }
    other.join();
    EXPECT_EQ(blind, 0);
}

} // namespace
