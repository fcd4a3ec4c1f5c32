// SPDX-License-Identifier: Apache-2.0
//
// Memory that waits until no reader looks at it: how much of it, and that it comes back. Where the kernel has no fence for all
// processors nobody reads without a lock, and nothing waits; the bounds hold then, too.
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

// The eras of the readers, step by step.
class eras : public ::testing::Test {
protected:
    void SetUp() override {
        bool fresh = false;
        me_ = all_.join(fresh);
        if (me_ == nullptr) {
            GTEST_SKIP() << "this kernel or sandbox has no membarrier";
        }
    }
    detail::readers all_;
    detail::reader* me_ = nullptr;
};

TEST_F(eras, are_over_when_all_readers_have_seen_the_next) {
    gate joined;
    gate look;
    gate looked;
    gate leave;
    std::thread other([&] {
        bool fresh = false;
        detail::reader* const it = all_.join(fresh);
        joined.open();
        look.pass();
        all_.see_the_era(*it);
        looked.open();
        leave.pass();
    });
    joined.pass();
    const std::uint64_t first = all_.begin_era();
    EXPECT_FALSE(all_.all_have_seen(first));
    all_.see_the_era(*me_);
    EXPECT_FALSE(all_.all_have_seen(first)) << "the other has not";
    look.open();
    looked.pass();
    EXPECT_TRUE(all_.all_have_seen(first));
    const std::uint64_t second = all_.begin_era();
    all_.see_the_era(*me_);
    EXPECT_FALSE(all_.all_have_seen(second));
    leave.open();
    other.join();
    EXPECT_TRUE(all_.all_have_seen(second)) << "who has gone looks no more";
}

TEST_F(eras, that_began_before_a_thread_came_do_not_wait_for_it) {
    const std::uint64_t era = all_.begin_era();
    all_.see_the_era(*me_);
    std::thread([&] {
        bool fresh = false;
        ASSERT_NE(all_.join(fresh), nullptr);
        EXPECT_TRUE(fresh);
        EXPECT_TRUE(all_.all_have_seen(era));
        EXPECT_FALSE(all_.all_have_seen(all_.begin_era()));
    }).join();
}

// What 16 shards may keep of arrays before a fence is worth its price.
constexpr std::size_t waiting_slots = 16 * detail::slots_worth_a_fence * sizeof(void*);

TEST(outgrown_slots, wait_for_a_reader_who_sleeps_within_bounds_and_no_longer_than_until_a_trim) {
    counting_memory memory;
    numbers c(&memory);
    const sleeper other(c);
    const std::size_t before = memory.bytes_out();
    constexpr std::size_t n = 20'000;
    constexpr std::size_t in_use = n * an_entry + 16 * 2048 * sizeof(void*); // 1,250 entries a shard
    constexpr std::size_t spare = std::size_t{16} << 10;
    std::vector<handle<int>> all;
    for (int i = 0; i < static_cast<int>(n); ++i) {
        all.push_back(c.intern(i, [&] { return i; }));
        ASSERT_LE(memory.bytes_out(), before + in_use + waiting_slots);
    }
    c.trim();
    EXPECT_LE(memory.bytes_out(), before + in_use + spare);
    all.clear();
    EXPECT_LE(memory.bytes_out(), before + 2 * waiting_slots + at_most);
    c.trim();
    EXPECT_LE(memory.bytes_out(), before + spare);
}

TEST(outgrown_slots, of_a_table_that_grows_and_shrinks_for_ever_are_not_more) {
    counting_memory memory;
    numbers c(&memory);
    const sleeper other(c);
    const std::size_t before = memory.bytes_out();
    for (int round = 0; round < 500; ++round) {
        std::vector<handle<int>> some;
        for (int i = 0; i < 400; ++i) {
            some.push_back(c.intern(i, [&] { return i; }));
        }
        some.clear();
        ASSERT_LE(memory.bytes_out(), before + waiting_slots + waiting_slots / 2 + at_most) << "round " << round;
    }
}

} // namespace
} // namespace ibid
