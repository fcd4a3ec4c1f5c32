// SPDX-License-Identifier: Apache-2.0
//
// Memory that waits until no reader looks at it: how much of it, and that it comes back. Where the kernel has no fence for all
// processors nobody reads without a lock, and nothing waits; the bounds hold then, too.
#include <atomic>
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

constexpr std::size_t an_entry = 64; // no more: header, key and value
constexpr std::size_t at_most = (detail::full_at(an_entry) + detail::worth_a_fence_at(an_entry)) * an_entry;

// A thread that looks once, and then sleeps until the test is over.
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

TEST(the_dead, wait_for_a_reader_who_sleeps_within_bounds) {
    counting_memory memory;
    numbers c(&memory);
    const sleeper other(c);
    churn(c, 0, 100);
    const std::size_t before = memory.bytes_out();
    for (int round = 0; round < 50; ++round) {
        churn(c, 100 * round, 100);
        ASSERT_LE(memory.bytes_out(), before + at_most);
    }
}

TEST(the_dead, of_a_thread_that_drops_and_never_looks_wait_within_the_same_bounds) {
    counting_memory memory;
    numbers c(&memory);
    const sleeper other(c);
    churn(c, 0, 100);
    const std::size_t before = memory.bytes_out();
    for (int round = 0; round < 50; ++round) {
        std::vector<handle<int>> some;
        for (int i = 0; i < 10; ++i) {
            some.push_back(c.intern(i, [&] { return i; }));
        }
        std::thread([&some] { some.clear(); }).join();
        ASSERT_LE(memory.bytes_out(), before + 16 * at_most); // there is a limbo in each shard
    }
}

TEST(the_dead, go_with_a_trim) {
    counting_memory memory;
    numbers c(&memory);
    const sleeper other(c);
    churn(c, 0, 20); // so that there are slots for these
    churn(c, 100, 20);
    c.trim();
    const std::size_t before = memory.bytes_out();
    churn(c, 0, 20);
    std::thread([&c] {
        churn(c, 100, 20);
    }).join(); // and is not there any more to give back what it has buried
    c.trim();
    EXPECT_EQ(memory.bytes_out(), before);
}

TEST(the_dead, are_left_to_the_next_thread_that_reads) {
    counting_memory memory;
    numbers c(&memory);
    const sleeper other(c);
    churn(c, 0, 100);
    const std::size_t before = memory.bytes_out();
    for (int round = 0; round < 200; ++round) {
        std::thread([&] { churn(c, 100 * round, 7); }).join();
        ASSERT_LE(memory.bytes_out(), before + 2 * at_most);
    }
}

TEST(the_dead, come_back_with_the_end_of_the_table_whoever_buried_them) {
    counting_memory memory; // says at its end whether all came back
    handle<int> last;
    {
        numbers c(&memory);
        const sleeper other(c);
        churn(c, 0, 20);
        std::thread([&c] { churn(c, 100, 20); }).join();
        last = c.intern(1, [] { return 1; });
    }
    EXPECT_GT(memory.bytes_out(), 0U);
    last.reset();
    EXPECT_EQ(memory.bytes_out(), 0U);
}

// The epochs of the readers, step by step.
class epochs : public ::testing::Test {
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

TEST_F(epochs, are_over_when_all_readers_have_seen_the_next) {
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
    EXPECT_TRUE(all_.all_quiesced_since(second)) << "who has gone looks no more";
}

TEST_F(epochs, that_began_before_a_thread_came_do_not_wait_for_it) {
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

// What 16 shards may keep of arrays before a fence is worth its price.
constexpr std::size_t waiting_slots = 16 * detail::slots_worth_a_fence * sizeof(void*);
constexpr std::size_t spare = std::size_t{16} << 10;

// What a table of so many takes that nobody else looks into.
std::size_t in_use(int n) {
    counting_memory memory;
    numbers c(&memory);
    std::vector<handle<int>> all;
    for (int i = 0; i < n; ++i) {
        all.push_back(c.intern(i, [&] { return i; }));
    }
    return memory.bytes_out();
}

TEST(outgrown_slots, wait_for_a_reader_who_sleeps_within_bounds_and_no_longer_than_until_a_trim) {
    constexpr int n = 20'000; // 1,250 a shard: 2,048 slots, and almost as many that were outgrown
    counting_memory memory;
    numbers c(&memory);
    const sleeper other(c);
    std::vector<handle<int>> all;
    for (int i = 0; i < n; ++i) {
        all.push_back(c.intern(i, [&] { return i; }));
    }
    EXPECT_LE(memory.bytes_out(), in_use(n) + waiting_slots + spare);
    c.trim();
    EXPECT_LE(memory.bytes_out(), in_use(n) + spare);
    for (int i = n; i < 10 * n; ++i) { // 16,384 slots: a fence has passed on the way
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
    numbers c(&memory);
    std::atomic<int> turn{0}; // even: the one who fills; odd: the one who only looks
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
    // No more than the array before the last, which is half of what there is.
    EXPECT_LE(memory.bytes_out(), in_use(n) + waiting_slots / 2 + spare);
    looks.join();
}

} // namespace
} // namespace ibid
