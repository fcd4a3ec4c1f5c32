// SPDX-License-Identifier: Apache-2.0
//
// Threads that run the same function together in each round, so that a stress test does not start threads for
// every round.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace ibid::testing {

class crew {
public:
    explicit crew(std::size_t size) : size_(size) {
        for (std::size_t i = 0; i < size; ++i) {
            threads_.emplace_back([this, i] { work(i); });
        }
    }
    crew(const crew&) = delete;
    crew& operator=(const crew&) = delete;
    ~crew() {
        task_ = nullptr;
        next_round();
        for (std::thread& t : threads_) {
            t.join();
        }
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    // Runs task(0) … task(size - 1), all started at the same moment; returns when all are done.
    void run(std::function<void(std::size_t)> task) {
        task_ = std::move(task);
        at_start_.store(0, std::memory_order_relaxed);
        done_.store(0, std::memory_order_relaxed);
        next_round();
        await(done_, size_);
    }

private:
    void next_round() {
        round_.fetch_add(1, std::memory_order_release); // pairs with the acquire in work(): the task is set
        round_.notify_all();
    }

    static void await(std::atomic<std::size_t>& count, std::size_t n) {
        while (count.load(std::memory_order_acquire) < n) {
            std::this_thread::yield();
        }
    }

    void work(std::size_t i) {
        for (std::uint32_t seen = 0;;) {
            round_.wait(seen, std::memory_order_acquire);
            ++seen;
            if (!task_) {
                return;
            }
            at_start_.fetch_add(1, std::memory_order_acq_rel);
            await(at_start_, size_);
            task_(i);
            done_.fetch_add(1,
                            std::memory_order_release); // pairs with the acquire in await(): the work is seen
        }
    }

    const std::size_t size_;
    std::function<void(std::size_t)> task_; // written only between rounds
    std::atomic<std::uint32_t> round_{0};
    std::atomic<std::size_t> at_start_{0};
    std::atomic<std::size_t> done_{0};
    std::vector<std::thread> threads_;
};

} // namespace ibid::testing
