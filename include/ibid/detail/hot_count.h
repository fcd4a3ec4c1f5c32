// SPDX-License-Identifier: Apache-2.0
//
// The references to one value that many threads take and drop all the time, counted so that no two cores need one cache
// line: each thread adds to a stripe of its own.
//
// Law: a stripe is either open, and then what it counts is references, or closed, and then it counts nothing and says so
// to whoever adds to it. Only the sum of all open stripes means something; a single one may be negative, since a
// reference may be taken on one thread and dropped on another. The sum is taken once, by close().
//
// Who may close, and how the end is found although nobody sees the sum before: counted.h.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <thread>

namespace ibid::detail {

class hot_count {
public:
    // Null without memory.
    [[nodiscard]] static hot_count* create() noexcept {
        const std::size_t stripes =
            std::bit_ceil(std::clamp<std::size_t>(2 * std::size_t{std::thread::hardware_concurrency()}, 2, 64));
        auto* const array = new (std::nothrow) stripe[stripes];
        auto* const self = array != nullptr ? new (std::nothrow) hot_count(array, stripes - 1) : nullptr;
        if (self == nullptr) {
            delete[] array;
        }
        return self;
    }
    hot_count(const hot_count&) = delete;
    hot_count& operator=(const hot_count&) = delete;
    ~hot_count() { delete[] stripes_; }

    // One reference more, or less, counted for thread number `thread`; false when it must be counted elsewhere. Acquire:
    // who takes a reference sees what whoever opened saw. Release: a holder's reads of the value happen before its end; that
    // pairs with the exchange in close().
    [[nodiscard]] bool add(unsigned thread, std::int64_t n) noexcept {
        return stripes_[thread & mask_].count.fetch_add(n, std::memory_order_acq_rel) > almost_closed;
    }

    // By one thread at a time; so is close().
    void open() noexcept {
        for (std::size_t i = 0; i <= mask_; ++i) {
            // What late-comers have added while it was closed goes: they have counted elsewhere.
            stripes_[i].count.store(0, std::memory_order_release);
        }
    }
    [[nodiscard]] std::int64_t close() noexcept {
        std::int64_t sum = 0;
        for (std::size_t i = 0; i <= mask_; ++i) {
            sum += stripes_[i].count.exchange(closed, std::memory_order_acq_rel);
        }
        return sum;
    }

private:
    static constexpr std::int64_t closed = INT64_MIN / 2;
    static constexpr std::int64_t almost_closed = closed / 2;

    struct alignas(64) stripe {
        std::atomic<std::int64_t> count{closed};
    };

    hot_count(stripe* stripes, std::size_t mask) noexcept : stripes_(stripes), mask_(mask) {}

    stripe* stripes_; // a power of two of them
    std::size_t mask_;
};

} // namespace ibid::detail
