// SPDX-License-Identifier: Apache-2.0
//
// Runs an operation on one or more threads for several windows of time, and returns the rate in each window.
//
// Law: all threads run from before the first window until after the last one, so no thread runs alone because
// another one was done early. A warm-up of two windows comes first. Thread 0 is the caller's thread, whose
// heap is warm (heap.h). A second, sleeping thread (`companion`) always exists, because glibc and libstdc++
// leave out atomic instructions in a process with one thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "core/counters.h"

namespace bench {

struct windows {
    double seconds = 0.02;
    std::size_t count = 5;
};

// The results of one run. A rate is in operations per second, for all threads together; there is one for each
// window.
struct outcome {
    std::vector<double> rates;
    std::vector<double> running_rates; // the same, with CPU time instead of elapsed time
    std::uint64_t operations = 0;
    double worker_cpu = 0;  // CPU seconds of the threads that do the work
    double process_cpu = 0; // CPU seconds of the whole process in the same time
    std::map<std::string, std::uint64_t> counted;
};

class companion {
public:
    companion() = default;
    companion(const companion&) = delete;
    companion& operator=(const companion&) = delete;
    ~companion() {
        {
            const std::lock_guard lock(mutex_);
            done_ = true;
        }
        wake_.notify_one();
        thread_.join();
    }

private:
    std::mutex mutex_; // protects done_
    std::condition_variable wake_;
    bool done_ = false;
    std::thread thread_{[this] {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return done_; });
    }};
};

// Calls body(t) on `threads` threads at once; thread 0 is the caller's.
template <class Body>
void on_threads(std::uint64_t threads, const Body& body) {
    std::atomic<std::uint64_t> waiting{threads};
    const auto start = [&](std::uint64_t t) {
        waiting.fetch_sub(1);
        while (waiting.load() != 0) { // spins, so that all threads start at the same instant
        }
        body(t);
    };
    std::vector<std::thread> others;
    for (std::uint64_t t = 1; t < threads; ++t) {
        others.emplace_back(start, t);
    }
    start(0);
    for (std::thread& other : others) {
        other.join();
    }
}

// Calls body(t) for each thread on that thread, one after another. All of them live until the last is done,
// so that the C library gives each a heap of its own.
template <class Body>
void in_turn(std::uint64_t threads, const Body& body) {
    std::atomic<std::uint64_t> turn{0};
    on_threads(threads, [&](std::uint64_t t) {
        for (std::uint64_t now = turn.load(); now < t; now = turn.load()) {
            turn.wait(now);
        }
        body(t);
        turn.store(t + 1);
        turn.notify_all();
        for (std::uint64_t now = turn.load(); now < threads; now = turn.load()) {
            turn.wait(now);
        }
    });
}

// Calls operation(t, k) with k = 0, 1, … samples - 1, 0, … on each thread t until the windows are over.
template <class Operation>
[[nodiscard]] outcome run_windows(std::uint64_t threads, const windows& plan, std::size_t samples,
                                  const Operation& operation) {
    constexpr std::size_t between_looks = 128; // operations between two readings of the clock
    outcome result;
    result.rates.resize(plan.count);
    result.running_rates.resize(plan.count);
    std::mutex mutex; // protects result
    const double cpu_before = process_cpu();
    const double own_cpu_before = thread_cpu();
    on_threads(threads, [&](std::uint64_t t) {
        counters hardware;
        hardware.start();
        std::size_t k = 0;
        std::uint64_t operations = 0;
        const auto until = [&](double end) {
            double now = 0;
            do {
                const std::size_t stop = std::min(k + between_looks, samples);
                operations += stop - k;
                for (; k < stop; ++k) {
                    operation(t, k);
                }
                k = k == samples ? 0 : k;
                now = wall();
            } while (now < end);
            return now;
        };
        double began = until(wall() + 2 * plan.seconds);
        const double first = began;
        double ran = thread_cpu();
        std::vector<double> rates(plan.count);
        std::vector<double> running_rates(plan.count);
        for (std::size_t w = 0; w < plan.count; ++w) {
            const std::uint64_t before = operations;
            const double ended = until(first + static_cast<double>(w + 1) * plan.seconds);
            const double running = thread_cpu();
            rates[w] = static_cast<double>(operations - before) / (ended - began);
            running_rates[w] = static_cast<double>(operations - before) / (running - ran);
            began = ended;
            ran = running;
        }
        const auto counted = hardware.stop();
        const std::lock_guard lock(mutex);
        result.operations += operations;
        for (std::size_t w = 0; w < plan.count; ++w) {
            result.rates[w] += rates[w];
            result.running_rates[w] += running_rates[w];
        }
        result.worker_cpu += thread_cpu() - (t == 0 ? own_cpu_before : 0); // a new thread's clock begins at 0
        for (const auto& [name, count] : counted) {
            result.counted[name] += count;
        }
    });
    result.process_cpu = process_cpu() - cpu_before;
    return result;
}

} // namespace bench
