// SPDX-License-Identifier: Apache-2.0
//
// Memory latency of the machine: nanoseconds for one load that depends on the previous load, at random
// addresses within a number of bytes. Compare the curve of hits over the table's size with it.
//
// Law: the loads form one cycle through all lines, in an order that prefetchers cannot predict. The time is
// the thread's CPU time.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/sequence.h"

namespace {

struct alignas(64) line {
    const line* next;
};

[[nodiscard]] double nanoseconds_a_load(std::size_t bytes) {
    std::vector<line> lines(bytes / sizeof(line));
    // Sattolo's shuffle: a permutation that is a single cycle.
    std::vector<std::uint32_t> after(lines.size());
    std::iota(after.begin(), after.end(), 0U);
    for (std::size_t i = lines.size() - 1; i > 0; --i) {
        std::swap(after[i], after[bench::mix(i) % i]);
    }
    for (std::size_t i = 0; i < lines.size(); ++i) {
        lines[i].next = &lines[after[i]];
    }
    const line* at = lines.data();
    const auto walk = [&](std::size_t steps) {
        for (std::size_t i = 0; i < steps; ++i) {
            at = at->next;
        }
        asm volatile("" : : "r"(at));
    };
    constexpr std::size_t steps = 1 << 20;
    walk(std::min(steps, 2 * lines.size()));
    const double began = bench::thread_cpu();
    walk(steps);
    return 1e9 * (bench::thread_cpu() - began) / static_cast<double>(steps);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s BYTES\n", argv[0]);
        return 2;
    }
    std::printf("{\"ns\": %.3f}\n", nanoseconds_a_load(std::strtoull(argv[1], nullptr, 10)));
}
