// SPDX-License-Identifier: Apache-2.0
//
// bench_pool: take + use + return of a buffer, compared with other ways to get one. docs/pool.md has figures.
//
// Every rival does the same work on the same buffers.
#include <array>
#include <barrier>
#include <cstddef>
#include <ctime>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

#include "buffers.h"
#include "rivals.h"
#include "turns.h"

namespace {

using namespace bench_pool;
using bench_turns::cell;
using bench_turns::plan;

template <class Source, int Held>
void work(Source& source, long rounds) {
    for (long i = 0; i < rounds; ++i) {
        if constexpr (Held == 1) {
            const auto b = source.take();
            use(*b);
        } else {
            std::array<decltype(source.take()), Held> held;
            for (auto& b : held) {
                b = source.take();
                use(*b);
            }
        }
    }
}

template <class Source, int Held>
double measure(int threads, const plan& p) {
    Source source;
    work<Source, Held>(source, 1000); // as in a program that has been running for a while
    // In a process with one thread, locks need no atomic instructions; servers have several threads.
    std::barrier ends(2);
    std::thread companion([&] { ends.arrive_and_wait(); });
    std::vector<double> found(static_cast<std::size_t>(threads));
    std::barrier gate(threads);
    const auto run = [&](std::size_t t) {
        gate.arrive_and_wait();
        found[t] =
            p.time(CLOCK_THREAD_CPUTIME_ID, [&](long rounds) { work<Source, Held>(source, rounds); }) / Held;
    };
    {
        std::vector<std::jthread> others;
        for (int t = 1; t < threads; ++t) {
            others.emplace_back(run, static_cast<std::size_t>(t));
        }
        run(0);
    }
    ends.arrive_and_wait();
    companion.join();
    double sum = 0;
    for (const double ns : found) {
        sum += ns;
    }
    return sum / threads;
}

// With 64 KB at least 1.5 × as fast as every rival; with 64 B never slower than the free list.
double goal(const std::string& buffer, std::string_view rival) {
    return buffer.starts_with("64 KB") ? 1.5 : rival == free_list<raw<64>>::name ? 1.0 : 0.0;
}

template <class Buffer, int Held>
cell cell_for(const std::string& buffer, int threads) {
    cell c{buffer + ", " + std::to_string(Held) + " at once, " + std::to_string(threads) +
               (threads == 1 ? " thread" : " threads"),
           {}};
    const auto enter = [&]<class Source>(std::type_identity<Source>) {
        const std::string name(Source::name);
        c.rivals.push_back({.name = name,
                            .run = [threads](const plan& p) { return measure<Source, Held>(threads, p); },
                            .goal = c.rivals.empty() ? 0 : goal(buffer, name)});
    };
    enter(std::type_identity<ibid_pool<Buffer>>());
    enter(std::type_identity<heap<Buffer>>());
#ifdef BENCH_POOL_BOOST
    if (threads == 1) {
        enter(std::type_identity<boost_object_pool<Buffer, no_mutex>>());
    }
    enter(std::type_identity<boost_object_pool<Buffer, std::mutex>>());
#endif
#ifdef BENCH_POOL_TBB
    enter(std::type_identity<tbb_scalable<Buffer>>());
#endif
    enter(std::type_identity<free_list<Buffer>>());
    if constexpr (Held == 1) {
        if (threads == 1) { // it has only one buffer
            enter(std::type_identity<only_buffer<Buffer>>());
            c.rivals.back().goal = 0;
        }
    }
    return c;
}

template <class Buffer>
void add(std::vector<cell>& cells, const std::string& buffer) {
    for (const int threads : {1, 2}) {
        cells.push_back(cell_for<Buffer, 1>(buffer, threads));
        cells.push_back(cell_for<Buffer, 16>(buffer, threads));
    }
}

} // namespace

int main(int argc, char** argv) {
    return bench_turns::run(argc, argv, "Take + use + return of a buffer, against other ways to have one.",
                            [] {
                                std::vector<cell> cells;
                                add<raw<64>>(cells, "64 B");
                                add<raw<65536>>(cells, "64 KB");
                                add<zeroed<65536>>(cells, "64 KB, zeroed");
                                return cells;
                            });
}
