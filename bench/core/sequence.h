// SPDX-License-Identifier: Apache-2.0
//
// Which keys a cell works on, and in what order.
//
// Law: the sequence depends only on the cell (workload, key size, distinct keys, thread, threads), and is so
// simple that the programs in Go, Rust and Java under bench/peers produce exactly the same one. Every program
// prints `fingerprint`, and the driver refuses a run in which two of them differ.
//
//     word j of key i           = mix(256 i + j), every byte's top bit cleared (a key is valid UTF-8, too)
//     draw k of thread t        = mix(2^63 + 2^40 t + k)
//     coin k of thread t        = mix(2^62 + 2^40 t + k)
//     samples of a thread       = as many as the distinct keys, at least 256 KiB of them and at most 256 MiB
//
// The held keys are 0 … distinct - 1. The mixes insert and evict keys from `distinct` on.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {

// The output function of splitmix64, applied to a state of x.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) noexcept {
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

[[nodiscard]] constexpr std::uint64_t key_word(std::uint64_t key, std::uint64_t word) noexcept {
    return mix(256 * key + word) & 0x7f7f7f7f7f7f7f7f;
}
[[nodiscard]] constexpr std::uint64_t draw(std::uint64_t thread, std::uint64_t k) noexcept {
    return mix((std::uint64_t{1} << 63) + (thread << 40) + k);
}
[[nodiscard]] constexpr std::uint64_t coin(std::uint64_t thread, std::uint64_t k) noexcept {
    return mix((std::uint64_t{1} << 62) + (thread << 40) + k);
}

// Ranks under Zipf's law with exponent 1. Uses only sums and quotients, so that all languages give the same
// bits.
class zipf {
public:
    explicit zipf(std::uint64_t ranks) : cumulated_(ranks) {
        double sum = 0;
        for (std::uint64_t i = 0; i < ranks; ++i) {
            sum += 1.0 / static_cast<double>(i + 1);
            cumulated_[i] = sum;
        }
    }
    [[nodiscard]] std::uint64_t rank(std::uint64_t random) const {
        const double u = static_cast<double>(random >> 11) * 0x1p-53 * cumulated_.back();
        const auto found = std::upper_bound(cumulated_.begin(), cumulated_.end(), u);
        return std::min<std::uint64_t>(static_cast<std::uint64_t>(found - cumulated_.begin()),
                                       cumulated_.size() - 1);
    }

private:
    std::vector<double> cumulated_;
};

struct cell {
    std::string workload; // hit, insert, churn, clone, mix99, mix90
    std::uint64_t key_bytes = 16;
    std::uint64_t distinct = 1;
    std::uint64_t threads = 1;
};

// The keys of one thread, by number, in the order of use.
[[nodiscard]] inline std::vector<std::uint32_t> order(const cell& c, std::uint64_t thread) {
    const std::uint64_t own = std::max<std::uint64_t>(c.distinct / c.threads, 1);
    // Threads share no key, unless there is only one. One thread interned all keys of a thread, one after
    // another, so neighbours in memory belong to one thread. Otherwise a peer's allocator would cause false
    // sharing.
    const auto number = [&](std::uint64_t i) { return c.distinct < c.threads ? 0 : thread * own + i; };
    std::uint64_t samples = std::max(c.distinct, (std::uint64_t{256} << 10) / c.key_bytes);
    samples = std::min(samples, (std::uint64_t{256} << 20) / c.key_bytes);
    if (c.workload == "insert") {
        samples = own; // every key once
    }
    std::vector<std::uint32_t> result(samples);
    const auto fill = [&](auto key) {
        for (std::uint64_t k = 0; k < samples; ++k) {
            result[k] = static_cast<std::uint32_t>(key(k));
        }
    };
    if (c.workload == "hit" || c.workload == "clone") {
        fill([&](std::uint64_t k) { return number(draw(thread, k) % own); });
    } else if (c.workload == "insert" || c.workload == "churn") {
        fill([&](std::uint64_t k) { return number(k % own); });
    } else if (c.workload == "mix99" || c.workload == "mix90") {
        // All threads draw from all held keys. The keys that a thread inserts and evicts are used by no other
        // thread.
        const std::uint64_t percent = c.workload == "mix99" ? 1 : 10;
        const zipf hot(c.distinct);
        std::uint64_t fresh = 0;
        fill([&](std::uint64_t k) {
            const bool miss = coin(thread, k) % 100 < percent;
            return miss ? c.distinct + (fresh++ * c.threads + thread) : hot.rank(draw(thread, k));
        });
    } else {
        throw std::invalid_argument("no such workload: " + c.workload);
    }
    return result;
}

[[nodiscard]] inline std::uint64_t fingerprint(const std::vector<std::uint32_t>& numbers) noexcept {
    std::uint64_t h = 0;
    for (const std::uint32_t n : numbers) {
        h = mix(h ^ key_word(n, 1));
    }
    return h;
}

} // namespace bench
