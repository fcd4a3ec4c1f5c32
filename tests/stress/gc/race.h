// SPDX-License-Identifier: Apache-2.0
//
// Races on threads that are registered with the collector: in each round, all threads leave a barrier
// together.
#pragma once

#include <barrier>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

#include "ibid/gc.h"

namespace ibid_test {

inline constexpr int race_rounds = 1'000;

// Each part runs on its own thread, once in each round, all at the same time. `before` and `after` run alone,
// between rounds, on a separate thread, so that the main thread's stack never contains a token.
inline void race(const std::vector<std::function<void()>>& parts, const std::function<void()>& before,
                 const std::function<void()>& after) {
    ibid::gc::start();
    std::barrier gate(static_cast<std::ptrdiff_t>(parts.size()) + 1);
    const auto on_thread = [&](auto body) {
        return std::thread([&, body] {
            const ibid::gc::thread known;
            for (int i = 0; i < race_rounds; ++i) {
                body();
            }
        });
    };
    std::vector<std::thread> threads;
    for (const std::function<void()>& part : parts) {
        threads.push_back(on_thread([&] {
            gate.arrive_and_wait();
            part();
            gate.arrive_and_wait();
        }));
    }
    threads.push_back(on_thread([&] {
        before();
        gate.arrive_and_wait();
        gate.arrive_and_wait();
        after();
    }));
    for (std::thread& t : threads) {
        t.join();
    }
}

} // namespace ibid_test
