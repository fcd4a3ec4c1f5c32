// SPDX-License-Identifier: Apache-2.0
//
// Retired memory, which is freed when no reader can see it: bounds of its size, and that all of it is freed.
// The last part tests only the reclaimer. Without membarrier all lookups take a lock and nothing is delayed,
// so the bounds hold, too.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <memory_resource>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "support/counting_memory.h"
#include "support/gate.h"

namespace ibid {
namespace {

using namespace ibid::testing;

using numbers = cache<int, int, key_beside, hash<int>, equal, std::pmr::polymorphic_allocator<std::byte>>;

void churn(numbers& c, int from, int n) {
    for (int i = from; i < from + n; ++i) {
        (void)c.intern(i, [&] { return i; });
    }
}

constexpr std::size_t an_entry = 64; // at most: header, key and value
constexpr std::size_t at_most = (detail::full_at(an_entry) + detail::worth_a_fence_at(an_entry)) * an_entry;

// A thread that does one lookup, and then sleeps until the test has ended.
class sleeper {
public:
    explicit sleeper(numbers& c)
        : thread_([this, &c] {
              churn(c, -1, 1);
              asleep_.open();
              wake_.pass();
          }) {
        asleep_.pass();
    }
    sleeper(const sleeper&) = delete;
    sleeper& operator=(const sleeper&) = delete;
    ~sleeper() {
        wake_.open();
        thread_.join();
    }

private:
    gate asleep_;
    gate wake_;
    std::thread thread_;
};

TEST(retired_entries, wait_for_a_reader_who_sleeps_within_bounds) {
    counting_memory memory;
    numbers c({.allocator = &memory});
    const sleeper other(c);
    churn(c, 0, 100);
    const std::size_t before = memory.bytes_out();
    for (int round = 0; round < 50; ++round) {
        churn(c, 100 * round, 100);
        ASSERT_LE(memory.bytes_out(), before + at_most);
    }
}

TEST(retired_entries, of_a_thread_that_drops_and_never_looks_wait_within_the_same_bounds) {
    counting_memory memory;
    numbers c({.allocator = &memory});
    const sleeper other(c);
    churn(c, 0, 100);
    const std::size_t before = memory.bytes_out();
    for (int round = 0; round < 50; ++round) {
        std::vector<handle<int>> some;
        for (int i = 0; i < 10; ++i) {
            some.push_back(c.intern(i, [&] { return i; }));
        }
        std::thread([&some] { some.clear(); }).join();
        ASSERT_LE(memory.bytes_out(), before + 16 * at_most); // there is a limbo list in each shard
    }
}

TEST(retired_entries, go_with_a_trim) {
    counting_memory memory;
    numbers c({.allocator = &memory});
    const sleeper other(c);
    churn(c, 0, 20); // so that slots for these exist
    churn(c, 100, 20);
    c.trim();
    const std::size_t before = memory.bytes_out();
    churn(c, 0, 20);
    std::thread([&c] {
        churn(c, 100, 20);
    }).join(); // the thread has exited, so it cannot free what it has retired
    c.trim();
    EXPECT_EQ(memory.bytes_out(), before);
}

TEST(retired_entries, are_left_to_the_next_thread_that_joins) {
    counting_memory memory;
    numbers c({.allocator = &memory});
    const sleeper other(c);
    churn(c, 0, 100);
    const std::size_t before = memory.bytes_out();
    for (int round = 0; round < 200; ++round) {
        std::thread([&] { churn(c, 100 * round, 7); }).join();
        ASSERT_LE(memory.bytes_out(), before + 2 * at_most);
    }
}

TEST(retired_entries, are_freed_with_the_table_whoever_retired_them) {
    counting_memory memory; // checks at its end that everything was freed
    handle<int> last;
    {
        numbers c({.allocator = &memory});
        const sleeper other(c);
        churn(c, 0, 20);
        std::thread([&c] { churn(c, 100, 20); }).join();
        last = c.intern(1, [] { return 1; });
    }
    EXPECT_GT(memory.bytes_out(), 0U);
    last.reset();
    EXPECT_EQ(memory.bytes_out(), 0U);
}

// Epochs, step by step.
class qsbr_domain : public ::testing::Test {
protected:
    void SetUp() override {
        bool fresh = false;
        me_ = all_.join(fresh);
        if (me_ == nullptr) {
            GTEST_SKIP() << "this kernel or sandbox has no membarrier";
        }
    }
    detail::qsbr_domain all_;
    detail::participant* me_ = nullptr;
};

TEST_F(qsbr_domain, are_over_when_all_readers_have_seen_the_next) {
    gate joined;
    gate look;
    gate looked;
    gate leave;
    std::thread other([&] {
        bool fresh = false;
        detail::participant* const it = all_.join(fresh);
        joined.open();
        look.pass();
        all_.quiesce(*it);
        looked.open();
        leave.pass();
    });
    joined.pass();
    const std::uint64_t first = all_.begin_epoch();
    EXPECT_FALSE(all_.all_quiesced_since(first));
    all_.quiesce(*me_);
    EXPECT_FALSE(all_.all_quiesced_since(first)) << "the other has not";
    look.open();
    looked.pass();
    EXPECT_TRUE(all_.all_quiesced_since(first));
    const std::uint64_t second = all_.begin_epoch();
    all_.quiesce(*me_);
    EXPECT_FALSE(all_.all_quiesced_since(second));
    leave.open();
    other.join();
    EXPECT_TRUE(all_.all_quiesced_since(second)) << "a thread that has left reads no more";
}

TEST_F(qsbr_domain, that_began_before_a_thread_came_do_not_wait_for_it) {
    const std::uint64_t epoch = all_.begin_epoch();
    all_.quiesce(*me_);
    std::thread([&] {
        bool fresh = false;
        ASSERT_NE(all_.join(fresh), nullptr);
        EXPECT_TRUE(fresh);
        EXPECT_TRUE(all_.all_quiesced_since(epoch));
        EXPECT_FALSE(all_.all_quiesced_since(all_.begin_epoch()));
    }).join();
}

// How much memory of retired arrays 16 shards may keep before a fence is worth its cost.
constexpr std::size_t waiting_slots = 16 * detail::slots_worth_a_fence * sizeof(void*);
constexpr std::size_t spare = std::size_t{16} << 10;

// The memory of a table with `n` entries and no other reader.
std::size_t in_use(int n) {
    counting_memory memory;
    numbers c({.allocator = &memory});
    std::vector<handle<int>> all;
    for (int i = 0; i < n; ++i) {
        all.push_back(c.intern(i, [&] { return i; }));
    }
    return memory.bytes_out();
}

TEST(outgrown_slots, wait_for_a_reader_who_sleeps_within_bounds_and_no_longer_than_until_a_trim) {
    constexpr int n = 20'000; // 1,250 in each shard: 2,048 slots, and almost as many in outgrown arrays
    counting_memory memory;
    numbers c({.allocator = &memory});
    const sleeper other(c);
    std::vector<handle<int>> all;
    for (int i = 0; i < n; ++i) {
        all.push_back(c.intern(i, [&] { return i; }));
    }
    EXPECT_LE(memory.bytes_out(), in_use(n) + waiting_slots + spare);
    c.trim();
    EXPECT_LE(memory.bytes_out(), in_use(n) + spare);
    for (int i = n; i < 10 * n; ++i) { // 16,384 slots: there was a fence in between
        all.push_back(c.intern(i, [&] { return i; }));
    }
    EXPECT_LE(memory.bytes_out(), in_use(10 * n) + waiting_slots + spare);
    all.clear();
    EXPECT_LE(memory.bytes_out(), 2 * waiting_slots + at_most + spare);
    c.trim();
    EXPECT_LE(memory.bytes_out(), in_use(0) + spare);
}

TEST(outgrown_slots, go_without_a_fence_when_all_readers_have_seen_their_era) {
    constexpr int n = 20'000;
    counting_memory memory;
    numbers c({.allocator = &memory});
    std::atomic<int> turn{0}; // even: the thread that inserts; odd: the thread that only reads
    std::thread looks([&] {
        for (int mine = 1; mine < 2 * (n / 100); mine += 2) {
            for (int now = turn; now != mine; now = turn) {
                turn.wait(now);
            }
            EXPECT_FALSE(c.find(-1));
            turn = mine + 1;
            turn.notify_all();
        }
    });
    std::vector<handle<int>> all;
    for (int i = 0; i < n; ++i) {
        all.push_back(c.intern(i, [&] { return i; }));
        if (i % 100 == 99) {
            const int mine = i / 100 * 2;
            turn = mine + 1;
            turn.notify_all();
            for (int now = turn; now != mine + 2; now = turn) {
                turn.wait(now);
            }
        }
    }
    // At most the previous array, which is half as large as the current one.
    EXPECT_LE(memory.bytes_out(), in_use(n) + waiting_slots / 2 + spare);
    looks.join();
}

// The reclaimer without a table.
struct node : detail::value_header {
    explicit node(detail::value_owner& in) noexcept : value_header(in) {}
};
struct no_table final : detail::value_owner {
    no_table() : value_owner(detail::hot_values::of_process(), nothing) {}
    static constexpr detail::value_operations nothing{};
    void end_value(detail::value_header&) noexcept override {}
    void retire_memory(detail::value_header&) noexcept override {}
};
struct node_traits {
    using entry = node;
    static std::size_t saved_alike(const std::allocator<std::byte>&) noexcept { return sizeof(int); }
    static std::size_t bytes(const std::allocator<std::byte>&) noexcept {
        return 4096;
    } // so that every list in it is full
    static void free(node& n, const std::allocator<std::byte>&, detail::hot_values&) noexcept {
        ++freed;
        delete &n;
    }
    static inline int freed = 0;
};
using node_reclaimer = detail::reclaimer<node_traits, std::allocator<std::byte>>;

struct small_shard {
    using allocator = std::allocator<std::byte>;
    explicit small_shard(const allocator& in) : table(in) {}
    detail::weak_table<node, allocator> table;
    detail::spinning_mutex mutex;
    bool closed = false;
    node_reclaimer::waiting waiting;
};

class reclaimer : public ::testing::Test {
protected:
    void SetUp() override {
        node_traits::freed = 0;
        if (join() == nullptr) {
            GTEST_SKIP() << "this kernel or sandbox has no membarrier";
        }
    }
    void TearDown() override { all_.free_all(shards_); }
    detail::participant* join() {
        return all_.join([] {});
    }
    // Joins on a separate thread, calls `first`, and ends after this thread has called `meanwhile`.
    template <class First, class Meanwhile>
    void beside(First first, Meanwhile meanwhile) {
        gate ready;
        gate done;
        std::thread other([&] {
            first(*join(), [&] {
                ready.open();
                done.pass();
            });
        });
        ready.pass();
        meanwhile();
        done.open();
        other.join();
    }
    void retire() { all_.retire(shards_[0], all_.known_here(), *new node(table_)); }

    no_table table_;
    std::array<small_shard, 1> shards_{small_shard({})};
    node_reclaimer all_{{}};
};

TEST(participant_registries, number_their_domains_differently) {
    const detail::participant_registry one;
    const detail::participant_registry other;
    const auto apart = static_cast<std::int64_t>(one.next_domain.load() - other.next_domain.load());
    EXPECT_GT(std::abs(apart), 1'000'000);
}

// One thread, or one table, may have thousands of records, and all of the process's threads wait for the
// registry's lock. The last 500 joins are compared with the first, in the thread's own time; a walk over all
// records makes them 20 times slower and more.
[[nodiscard]] double cpu_seconds() {
    std::timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

TEST(joining_threads, take_the_same_time_in_the_first_table_and_in_the_ten_thousandth) {
    constexpr std::size_t some = 500;
    std::vector<std::unique_ptr<detail::qsbr_domain>> domains;
    const auto join_some = [&] {
        for (std::size_t i = 0; i < some; ++i) {
            domains.push_back(std::make_unique<detail::qsbr_domain>());
        }
        const double before = cpu_seconds();
        for (std::size_t i = domains.size() - some; i < domains.size(); ++i) {
            bool fresh = false;
            (void)domains[i]->join(fresh);
        }
        return cpu_seconds() - before;
    };
    (void)numbers(); // makes the registry
    double first = join_some();
    first = std::max(first, join_some());
    while (domains.size() < 9000) {
        (void)join_some();
    }
    double last = join_some();
    last = std::min(last, join_some());
    EXPECT_LT(last, 8 * first);
}

TEST(joining_threads, take_a_record_that_another_thread_has_left) {
    numbers table; // makes the registry
    detail::qsbr_domain domain;
    const auto records = [&] {
        int n = 0;
        domain.for_each([&n](detail::participant&) { ++n; });
        return n;
    };
    const auto all_join = [&domain](int threads) {
        gate go;
        std::vector<std::thread> crew;
        std::atomic<int> joined{0};
        for (int i = 0; i < threads; ++i) {
            crew.emplace_back([&] {
                bool fresh = false;
                (void)domain.join(fresh);
                ++joined;
                go.pass();
            });
        }
        while (joined != threads) {
            std::this_thread::yield();
        }
        go.open();
        for (std::thread& t : crew) {
            t.join();
        }
    };
    all_join(8);
    const int at_first = records();
    all_join(5);
    all_join(8);
    EXPECT_EQ(records(), at_first);
    all_join(9);
    EXPECT_EQ(records(), at_first == 0 ? 0 : at_first + 1);
}

TEST_F(reclaimer, frees_arrays_at_once_for_a_single_reader) {
    EXPECT_TRUE(all_.single_reader());
    EXPECT_FALSE(all_.retire(shards_[0], shards_[0].table.reserve(1)));
    EXPECT_FALSE(all_.retire(shards_[0], shards_[0].table.reserve(100)));
    EXPECT_FALSE(shards_[0].waiting.outgrown);
}

TEST_F(reclaimer, frees_when_all_have_quiesced) {
    gate quiesce;
    gate quiesced;
    beside(
        [&](detail::participant& it, auto sleep) {
            std::thread waker([&] { quiesce.pass(); }); // joined before the other quiesces
            sleep();
            waker.join();
            all_.quiesce(it);
            quiesced.open();
        },
        [&] {
            retire(); // seals the list with an epoch that the other has not seen
            retire();
            EXPECT_EQ(node_traits::freed, 0);
            quiesce.open();
        });
    quiesced.pass();
    retire();
    EXPECT_GT(node_traits::freed, 0);
}

TEST_F(reclaimer, never_frees_beside_a_guard_and_frees_with_a_fence_after_it) {
    beside(
        [&](detail::participant& it, auto sleep) {
            const auto guard = all_.guard(it);
            sleep();
        },
        [&] {
            for (int i = 0; i < 100; ++i) {
                retire();
            }
            all_.reclaim_all(shards_);
            EXPECT_EQ(node_traits::freed, 0);
        });
    all_.reclaim_all(shards_);
    EXPECT_EQ(node_traits::freed, 100);
}

TEST_F(reclaimer, frees_with_a_fence_beside_a_participant_that_sleeps_outside) {
    beside([](detail::participant&, auto sleep) { sleep(); },
           [&] {
               for (int i = 0; i < 100; ++i) {
                   retire();
               }
               EXPECT_GE(node_traits::freed, 90);
           });
}

TEST_F(reclaimer, counts_a_lookup_as_a_hit_unless_it_missed) {
    { const auto guard = all_.guard(*all_.known_here()); }
    statistics counted;
    all_.add_hits(counted);
    EXPECT_EQ(counted.hits, 1U);
    EXPECT_EQ(counted.bytes_not_parsed, sizeof(int));
    all_.known_here()->count_miss();
    counted = {};
    all_.add_hits(counted);
    EXPECT_EQ(counted.hits, 0U);
}

TEST_F(reclaimer, keeps_arrays_beside_a_guard) {
    beside(
        [&](detail::participant& it, auto sleep) {
            const auto guard = all_.guard(it);
            sleep();
        },
        [&] {
            (void)all_.retire(shards_[0], shards_[0].table.reserve(1));
            (void)all_.retire(shards_[0], shards_[0].table.reserve(100));
            EXPECT_TRUE(shards_[0].waiting.outgrown);
            all_.reclaim(shards_[0]);
            EXPECT_TRUE(shards_[0].waiting.outgrown);
        });
    all_.reclaim(shards_[0]);
    EXPECT_FALSE(shards_[0].waiting.outgrown);
}

TEST_F(reclaimer, passes_the_table_to_a_thread_that_has_pinned_it) {
    std::atomic<std::size_t> remaining{0};
    EXPECT_FALSE(all_.pinned_by_a_thread(remaining));
    ASSERT_TRUE(node_reclaimer::pin_table(all_.known_here(), shards_[0]));
    EXPECT_FALSE(node_reclaimer::pin_table(all_.known_here(), shards_[0])) << "one end within another";
    EXPECT_TRUE(all_.pinned_by_a_thread(remaining));
    EXPECT_EQ(remaining, 1U);
    EXPECT_TRUE(all_.retire_and_unpin(all_.known_here(), *new node(table_))) << "must release the table";
    ASSERT_TRUE(node_reclaimer::pin_table(all_.known_here(), shards_[0]));
    EXPECT_FALSE(all_.retire_and_unpin(all_.known_here(), *new node(table_)));
}

} // namespace
} // namespace ibid
