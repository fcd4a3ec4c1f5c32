// SPDX-License-Identifier: Apache-2.0
//
// Yields at random inside hash, comparison, make and destructor, so that threads interleave at points where
// they are otherwise hardly ever interrupted. Nothing sleeps, and the threads share no data.
#pragma once

#include <cstdint>
#include <functional>
#include <thread>

#include "support/tracked_value.h"

namespace ibid::testing {

class dice {
public:
    explicit dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15U + 1) {}
    // 0 … n - 1. Marsaglia's xorshift: cheap, and good enough to disturb.
    std::uint32_t operator()(std::uint32_t n) {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return static_cast<std::uint32_t>((state_ >> 33) % n);
    }

private:
    std::uint64_t state_;
};

inline dice& this_threads_dice() {
    thread_local dice d(std::hash<std::thread::id>()(std::this_thread::get_id()));
    return d;
}

// Does nothing, spins a few times, or yields the processor.
inline void stumble() {
    dice& d = this_threads_dice();
    const std::uint32_t what = d(16);
    if (what == 0) {
        std::this_thread::yield();
    } else if (what < 4) {
        for (std::uint32_t spin = d(200); spin != 0; --spin) {
            asm volatile(""); // NOLINT(hicpp-no-assembler): the compiler keeps this loop
        }
    }
}

// Every hook calls stumble(), for a scope.
class disturbed {
public:
    disturbed()
        : hash_(on_hash, step), equal_(on_equal, step), birth_(on_birth, step), death_(on_death, step) {}

private:
    static void step(int) { stumble(); }
    with_hook hash_;
    with_hook equal_;
    with_hook birth_;
    with_hook death_;
};

} // namespace ibid::testing
