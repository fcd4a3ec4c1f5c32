// SPDX-License-Identifier: Apache-2.0
//
// Points at which a test's threads wait for each other, so that a race happens in every run of the test.
//
// Law: nothing here sleeps for a guessed time. Each wait ends when its event has happened. The deadline only
// turns a hang into a failure that says where.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>

namespace ibid::testing {

inline constexpr std::chrono::seconds deadline{60};

// Counts up; threads wait until it has reached a number. A gate is a tally for the number one.
class tally {
public:
    void add() {
        const std::lock_guard lock(mutex_);
        ++count_;
        changed_.notify_all();
    }
    [[nodiscard]] std::size_t count() const {
        const std::lock_guard lock(mutex_);
        return count_;
    }
    // True if `n` was reached before the deadline.
    bool wait_for(std::size_t n) {
        std::unique_lock lock(mutex_);
        const bool reached = changed_.wait_for(lock, deadline, [&] { return count_ >= n; });
        EXPECT_TRUE(reached) << "waited for " << n << " arrivals, and saw " << count_;
        return reached;
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t count_ = 0;
};

class gate {
public:
    void open() { opened_.add(); }
    [[nodiscard]] bool is_open() const { return opened_.count() > 0; }
    bool pass() { return opened_.wait_for(1); }

private:
    tally opened_;
};

// Yields the processor to other threads until `condition` holds, at most `turns` times. For events that a
// test cannot observe (a thread that is about to block inside a call): the race is then likely, and the
// test's result is correct in either case.
template <class Condition>
bool give_way_until(Condition condition, int turns = 2000) {
    for (int i = 0; i < turns; ++i) {
        if (condition()) {
            return true;
        }
        std::this_thread::yield();
    }
    return condition();
}

} // namespace ibid::testing
