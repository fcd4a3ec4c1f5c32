// SPDX-License-Identifier: Apache-2.0
//
// One thread releases what dead tokens held, while others make, hold and release tokens.
//
// No thread is stopped by a signal in `letting_go`. ThreadSanitizer delays signals until a blocking call, and
// the collector aborts when a thread does not answer in time. So all workers wait at a barrier while one
// thread collects, and stay from before the collection until after it in one GC_do_blocking(), where the
// collector sends no signal.
#include <array>
#include <atomic>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "../../unit/gc/collected.h"
#include "ibid/cache.h"
#include "ibid/gc.h"
#include "ibid/pool.h"
#include "race.h"

namespace {

using ibid_test::collect;
using ibid_test::intern;
using ibid_test::name;
using ibid_test::roots;
using ibid_test::table;

constexpr int rounds = 100;
constexpr int workers = 3;
constexpr int tokens = 300; // for each worker in each round: more than a page of slots

using meeting = std::barrier<>;

// Reaches the barrier twice; a collection between the two does not stop this thread.
void wait_for_a_collection(meeting& m) {
    (void)GC_do_blocking(
        [](void* where) -> void* {
            static_cast<meeting*>(where)->arrive_and_wait();
            static_cast<meeting*>(where)->arrive_and_wait();
            return nullptr;
        },
        &m);
}

// Each worker calls part(worker, round) once in each round. Before a round, the collector marks, and so finds
// what is unreachable. During the round, finalize() is called repeatedly.
template <class Part, class Finalize>
void collect_and_race(Part part, Finalize finalize) {
    ibid::gc::start();
    GC_disable();
    GC_set_finalize_on_demand(1);
    meeting gate(workers + 1);
    std::atomic<int> at_work{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < workers; ++t) {
        threads.emplace_back([&, t] {
            const ibid::gc::thread known;
            for (int round = 0; round < rounds; ++round) {
                wait_for_a_collection(gate);
                part(t, round);
                at_work.fetch_sub(1);
            }
        });
    }
    for (int round = 0; round < rounds; ++round) {
        at_work = workers;
        gate.arrive_and_wait(); // from here on every worker is in GC_do_blocking()
        GC_enable();
        collect();
        GC_disable();
        gate.arrive_and_wait();
        do {
            finalize();
        } while (at_work != 0);
    }
    for (std::thread& t : threads) {
        t.join();
    }
    GC_enable();
    collect();
    finalize();
    GC_set_finalize_on_demand(0);
}

void let_go() {
    (void)GC_invoke_finalizers();
}

TEST(letting_go, while_others_make_hold_and_release_ends_each_entry_once) {
    table c;
    using row = std::array<name, tokens>;
    roots<std::array<row, workers>, 2>
        kept; // this round's are made; all workers use those of the previous round
    std::atomic<std::uint64_t> made{0};
    std::atomic<std::uint64_t> released{0};
    collect_and_race(
        [&](int t, int round) {
            auto& mine = kept[static_cast<std::size_t>(round % 2)][static_cast<std::size_t>(t)];
            auto& older = kept[static_cast<std::size_t>((round + 1) % 2)]
                              [static_cast<std::size_t>((t + round) % workers)];
            for (int i = 0; i < tokens; ++i) {
                const auto at = static_cast<std::size_t>(i);
                const int key = ((round * workers) + t) * tokens + i;
                mine[at] = i % 3 != 0 ? intern(c, key) : nullptr;
                (void)intern(c, -key - 1); // dropped at once
                made += i % 3 != 0 ? 2 : 1;
                try {
                    if (older[at] && i % 2 == 0) {
                        EXPECT_FALSE(older[at].hold()->empty());
                    }
                } catch (const ibid::gc::released&) { // NOLINT(bugprone-empty-catch): by another worker
                }
                released += i % 5 == 0 && older[at].release() ? 1 : 0;
            }
        },
        let_go);
    for (std::size_t i = 0; i < 2; ++i) {
        for (row& r : kept[i]) {
            r = row{};
        }
    }
    collect();
    EXPECT_GT(released, 0u);
    EXPECT_EQ(c.statistics().misses, made);
    EXPECT_EQ(c.statistics().misses - c.statistics().evictions, c.statistics().entries);
    EXPECT_LE(c.statistics().entries, 30u) << "of " << made << ", by accident";
    EXPECT_EQ(ibid::gc::statistics().waiting, 0u);
}

TEST(letting_go, of_loans_while_others_take_brings_every_object_home) {
    ibid::pool<std::string> p([] { return std::string("object"); }, ibid::pool_budget::unlimited());
    collect_and_race(
        [&](int /*t*/, int /*round*/) {
            for (int i = 0; i < tokens; ++i) {
                const ibid::gc::loan<std::string> a = ibid::gc::take(p);
                EXPECT_EQ(*a, "object");
                if (i % 4 == 0) {
                    EXPECT_TRUE(a.release());
                }
            }
        },
        let_go);
    const ibid::pool_statistics s = p.statistics();
    EXPECT_LE(s.made - s.ended - s.idle, 30u);
    EXPECT_LT(s.made, std::uint64_t{rounds * workers * tokens} / 10) << "objects are used again";
}

TEST(letting_go, on_several_threads_at_once_shares_the_work) {
    table c;
    collect_and_race(
        [&](int t, int round) {
            for (int i = 0; i < tokens; ++i) {
                (void)intern(c, ((round * workers) + t) * tokens + i);
                if (i % 50 == 0) {
                    let_go();
                }
            }
        },
        let_go);
    collect();
    EXPECT_LE(c.statistics().entries, 30u);
    EXPECT_EQ(ibid::gc::statistics().waiting, 0u);
}

// Here running threads are stopped, so not under ThreadSanitizer: docs/collectors.md.
#ifndef __SANITIZE_THREAD__

[[gnu::noinline]] void make_and_forget(table& c, int key) {
    (void)intern(c, key);
}

// When a thread ends, other threads get its page of slots. At that time the thread is no longer registered
// with the collector, which does not stop it.
TEST(collection, while_threads_end_walks_over_no_page_that_is_gone) {
    constexpr int enders = 50; // more pages than are kept while empty
    ibid::gc::start();
    GC_disable();
    table c;
    for (int round = 0; round < 10; ++round) {
        meeting gate(enders + 1);
        std::vector<std::thread> threads;
        for (int t = 0; t < enders; ++t) {
            threads.emplace_back([&, t] {
                {
                    const ibid::gc::thread known;
                    make_and_forget(c, (round * enders) + t);
                    ibid_test::wipe_stack();
                    wait_for_a_collection(gate);
                }
                gate.arrive_and_wait();
            }); // and its thread_local variables end
        }
        gate.arrive_and_wait(); // the page of each thread is in use
        GC_enable();
        collect(); // and now most are empty
        gate.arrive_and_wait();
        gate.arrive_and_wait();
        for (int i = 0; i < 3; ++i) {
            collect();
        }
        GC_disable();
        for (std::thread& t : threads) {
            t.join();
        }
    }
    GC_enable();
    collect();
    EXPECT_LE(c.statistics().entries, 30u);
}

#endif

} // namespace
