// SPDX-License-Identifier: Apache-2.0
//
// Values whose references are counted in stripes: the end is detected wherever the last reference was
// counted, and memory that lock-free readers may see is freed in the end.
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "disturbance.h"
#include "ibid/cache.h"
#include "ibid/weak.h"
#include "support/counting_memory.h"
#include "support/crew.h"
#include "support/gate.h"
#include "support/in_child.h"
#include "support/tracked_value.h"

namespace ibid {
namespace {

using namespace ibid::testing;

constexpr int key = 1;

[[nodiscard]] bool is_hot(const handle<tracked_value>& h) {
    return detail::header_of(h.get()).has(detail::entry_word::hot);
}

class hot_values : public ::testing::Test {
protected:
    hot_values() { clear_books(); }
    probe_cache cache_;
};

TEST_F(hot_values, become_so_by_hits_from_several_threads_and_end_with_the_last_handle) {
    handle<tracked_value> kept = cache_.intern(probe_key{key}, [] { return tracked_value(key); });
    crew two(2);
    // The two threads alternate, so that each notices the other.
    for (int turn = 0; turn < 5000 && !is_hot(kept); ++turn) {
        two.run([&](std::size_t i) {
            for (int n = 0; n < 64 && i == static_cast<std::size_t>(turn % 2); ++n) {
                EXPECT_EQ(intern(cache_, key), kept);
            }
        });
    }
    EXPECT_TRUE(is_hot(kept));
    handle<tracked_value> in_stripe = intern(cache_, key);
    kept.reset();
    EXPECT_EQ(alive(key), 1U) << "the handle that a stripe counts keeps the value";
    in_stripe.reset();
    EXPECT_EQ(alive(key), 0U);
}

TEST_F(hot_values, end_when_the_last_handle_was_counted_in_a_stripe_of_another_thread) {
    handle<tracked_value> first = intern(cache_, key);
    handle<tracked_value> second = first;
    make_hot(first);
    handle<tracked_value> elsewhere;
    std::thread([&] { elsewhere = intern(cache_, key); }).join();
    first.reset();
    second.reset();
    EXPECT_EQ(alive(key), 1U);
    elsewhere.reset();
    EXPECT_EQ(alive(key), 0U);
}

TEST_F(hot_values, keep_their_views_and_weak_references_right) {
    handle<tracked_value> first = intern(cache_, key);
    handle<tracked_value> second = first;
    make_hot(first);
    const weak<tracked_value> w(first);
    std::optional<view<tracked_value>> seen{view<tracked_value>(first)};
    first.reset();
    second.reset();
    EXPECT_TRUE(w.lock());
    EXPECT_EQ(alive(key), 1U);
    seen.reset();
    EXPECT_FALSE(w.lock());
    EXPECT_EQ(alive(key), 0U);
}

TEST_F(hot_values, may_be_so_several_times_and_then_no_more) {
    handle<tracked_value> stays = intern(cache_, key);
    for (unsigned i = 0; i < 20; ++i) {
        handle<tracked_value> other = stays;
        make_hot(stays);
        ASSERT_EQ(is_hot(stays), i < detail::entry_word::last_generation);
        handle<tracked_value> in_stripe = other;
        other.reset();
        stays.reset(); // the last centrally counted reference
        ASSERT_FALSE(is_hot(in_stripe));
        ASSERT_EQ(alive(key), 1U);
        stays = std::move(in_stripe);
    }
    stays.reset();
    EXPECT_EQ(alive(key), 0U);
}

// A drop that has released the last central reference and is interrupted before it checks for the end.
class interrupted_drop {
public:
    explicit interrupted_drop(handle<tracked_value> h) : header_(detail::header_of(h.get())) {
        ::new (static_cast<void*>(dropped_)) handle<tracked_value>(std::move(h)); // its destructor never runs
        EXPECT_EQ(header_.count.fetch_sub(1, std::memory_order_acq_rel), detail::value_header::only_bias + 1);
    }
    void go_on() { detail::check_for_end(header_); }

private:
    detail::value_header& header_;
    alignas(handle<tracked_value>) unsigned char dropped_[sizeof(handle<tracked_value>)];
};

// Otherwise that drop would act on a new value in the same memory, and end it.
TEST_F(hot_values, wait_for_a_drop_that_is_under_way) {
    for (const bool in_stripe : {false, true}) {
        handle<tracked_value> first = intern(cache_, key);
        const weak<tracked_value> w(first);
        handle<tracked_value> second = first;
        make_hot(first);
        handle<tracked_value> third = in_stripe ? second : handle<tracked_value>();
        second.reset();
        interrupted_drop drop(std::move(first));
        for (int i = 0; i < 3; ++i) {
            handle<tracked_value> central = w.lock(); // the only central one; its drop checks for the end
            ASSERT_TRUE(central);
            central.reset();
            ASSERT_EQ(alive(key), 1U);
        }
        third.reset();
        EXPECT_EQ(alive(key), 1U);
        drop.go_on();
        EXPECT_EQ(alive(key), 0U);
    }
}

TEST_F(hot_values, do_not_end_by_a_drop_that_was_under_way_while_somebody_took_a_reference) {
    handle<tracked_value> first = intern(cache_, key);
    const weak<tracked_value> w(first);
    handle<tracked_value> second = first;
    make_hot(first);
    second.reset();
    interrupted_drop drop(std::move(first));
    handle<tracked_value> central = w.lock();
    drop.go_on();
    EXPECT_EQ(alive(key), 1U);
    central.reset();
    EXPECT_EQ(alive(key), 0U);
}

TEST_F(hot_values, are_so_many_at_once_and_no_more) {
    std::vector<handle<tracked_value>> many;
    for (int k = 0; k < 300; ++k) {
        many.push_back(cache_.intern(probe_key{k}, [&] { return tracked_value(k); }));
        const handle<tracked_value> other = many.back();
        make_hot(other);
    }
    EXPECT_TRUE(is_hot(many.front()));
    EXPECT_FALSE(is_hot(many.back())) << "without a slot for a hot value it is counted centrally";
    many.clear();
    handle<tracked_value> next = cache_.intern(probe_key{key}, [] { return tracked_value(key); });
    const handle<tracked_value> other = next;
    cache_.trim(); // frees retired values, so that they give their slots back
    make_hot(next);
    EXPECT_TRUE(is_hot(next)) << "slots are given back";
}

// The window in which the end could be missed, or come twice: central and striped references are dropped
// while the value becomes hot and stops being hot.
TEST_F(hot_values, end_once_however_their_handles_go) {
    crew three(3);
    const disturbed d;
    for (int round = 0; round < 3000; ++round) {
        std::array<held, 3> first;
        std::array<held, 3> second;
        for (std::size_t i = 0; i < 3; ++i) {
            first[i] = held(cache_.intern(probe_key{key}, [] { return tracked_value(key); }));
        }
        three.run([&](std::size_t i) {
            if (i == 0) {
                make_hot(first[i].get());
            }
            stumble();
            second[i] = first[i];
            stumble();
            if ((round + static_cast<int>(i)) % 2 == 0) {
                make_hot(second[i].get());
            }
            first[i].drop();
            stumble();
            second[i].drop();
        });
        ASSERT_EQ(alive(key), 0U) << round;
    }
    EXPECT_EQ(cache_.statistics().entries, 0U);
}

// Readers on one side; on the other, entries and arrays that are made and freed. Under the address sanitizer:
// no reader sees freed memory.
TEST(lock_free_lookup, never_see_what_has_been_given_back) {
    clear_books();
    probe_cache c;
    std::atomic<bool> done{false};
    crew four(4);
    four.run([&](std::size_t i) {
        if (i == 0) {
            for (int round = 0; round < 60; ++round) { // the table grows and shrinks
                std::vector<handle<tracked_value>> many;
                for (int k = 0; k < 600; ++k) {
                    many.push_back(intern(c, probe_key{k % most_keys, 7}));
                }
            }
            done = true;
            return;
        }
        for (int k = 0; !done; k = (k + 7) % 600) {
            const held h(c.find(probe_key{k, 7}));
            if (h) {
                h->check(k);
            }
        }
    });
    EXPECT_EQ(c.statistics().entries, 0U);
}

TEST(lock_free_lookup, leave_a_bounded_rest_that_trim_and_the_end_of_the_cache_give_back) {
    using texts =
        cache<std::string, std::string, key_is_value, hash<std::string>, equal, allocator_of<std::byte>>;
    counting_memory memory;
    {
        texts c({.allocator = allocator_of<std::byte>(memory)});
        crew two(2);
        two.run([&](std::size_t i) {
            for (int n = 0; n < 20000; ++n) {
                (void)c.intern(std::to_string(n) + (i == 0 ? "a" : "b"));
            }
        });
        // A thread that was preempted inside a lookup has delayed what the other one retired. Now it has
        // continued.
        two.run([&](std::size_t i) {
            for (int n = 0; n < 300; ++n) {
                (void)c.intern(std::to_string(n) + (i == 0 ? "c" : "d"));
            }
        });
        EXPECT_LT(memory.bytes_out(), std::size_t{512} << 10);
        const std::size_t before = memory.bytes_out();
        c.trim();
        EXPECT_LE(memory.bytes_out(), before);
        EXPECT_LT(memory.bytes_out(), std::size_t{64} << 10) << "the table itself";
    }
    EXPECT_EQ(memory.bytes_out(), 0U);
}

// Values with trivial destructors are retired under the same lock that takes them out of the table.
using numbers = cache<int, int, key_is_value, hash<int>, equal, allocator_of<std::byte>>;

TEST(lock_free_lookup, never_see_numbers_that_have_been_given_back) {
    counting_memory memory;
    {
        numbers c({.allocator = allocator_of<std::byte>(memory)});
        crew four(4);
        four.run([&](std::size_t i) {
            for (int n = 0; n < 20000; ++n) {
                const int k = n % (1 + static_cast<int>(i)); // all use 0
                const handle<int> h = c.intern(k);
                ASSERT_EQ(*h, k);
            }
        });
        const statistics s = c.statistics();
        EXPECT_EQ(s.entries, 0U);
        EXPECT_EQ(s.hits + s.misses, 80000U);
        EXPECT_EQ(s.evictions, s.misses);
    }
    EXPECT_EQ(memory.bytes_out(), 0U);
}

TEST(lock_free_lookup, drop_the_last_numbers_while_the_cache_ends) {
    counting_memory memory;
    crew three(3);
    for (int round = 0; round < 2000; ++round) {
        auto c = std::make_unique<numbers>(numbers::options{.allocator = allocator_of<std::byte>(memory)});
        std::array<std::vector<handle<int>>, 2> kept;
        three.run([&](std::size_t i) { // two readers, each with entries in all shards
            for (int n = 0; i < 2 && n < 20; ++n) {
                kept[i].push_back(c->intern(2 * n + static_cast<int>(i)));
            }
        });
        three.run([&](std::size_t i) { i < 2 ? kept[i].clear() : c.reset(); });
        ASSERT_EQ(memory.bytes_out(), 0U) << "round " << round;
    }
}

TEST(lock_free_lookup, find_again_what_is_there_after_many_looks_in_vain) {
    counting_memory memory;
    numbers c({.allocator = allocator_of<std::byte>(memory)});
    const handle<int> kept = c.intern(-1);
    for (int n = 0; n < 100; ++n) {
        (void)c.intern(n);
        EXPECT_FALSE(c.find(1000 + n));
        if (n % 10 == 9) {
            EXPECT_EQ(c.find(-1), kept);
            EXPECT_EQ(c.intern(-1), kept);
        }
    }
    const statistics s = c.statistics();
    EXPECT_EQ(s.hits, 20U);
    EXPECT_EQ(s.misses, 101U);
    EXPECT_EQ(s.entries, 1U);
}

TEST(lock_free_lookup, may_come_and_go_as_threads_do_and_outlive_caches) {
    clear_books();
    for (int round = 0; round < 20; ++round) {
        auto c = std::make_unique<probe_cache>();
        const handle<tracked_value> h = intern(*c, key);
        std::thread([&] { EXPECT_EQ(intern(*c, key), h); }).join();
        std::thread([&] { EXPECT_EQ(c->find(probe_key{key}), h); }).join();
        EXPECT_EQ(c->statistics().hits, 2U);
    }
    EXPECT_EQ(alive(key), 0U);
}

TEST(lock_free_lookup, are_still_counted_in_the_child_of_a_fork_when_they_have_met_many_tables_since) {
    bool fresh = false;
    detail::qsbr_domain table;
    (void)table.join(fresh);
    std::array<detail::qsbr_domain, detail::thread_participation::seats>
        more; // the last takes the table's seat
    for (detail::qsbr_domain& r : more) {
        (void)r.join(fresh);
    }
    ASSERT_EQ(table.here(), nullptr);
    table.forget_other_threads();
    ASSERT_NE(table.join(fresh), nullptr);
    std::thread([&] {
        (void)table.join(fresh);
        EXPECT_FALSE(table.single_reader()) << "the first thread reads there as well";
    }).join();
    EXPECT_TRUE(table.single_reader());
}

// As after a jump out of a signal handler.
TEST(lock_free_lookup, are_seen_inside_though_they_left_an_earlier_look_in_the_middle) {
    detail::qsbr_domain table;
    std::thread([&] {
        bool fresh = false;
        detail::participant* const me = table.join(fresh);
        if (me == nullptr) {
            return; // a kernel without membarrier
        }
        alignas(detail::read_guard) unsigned char left[sizeof(detail::read_guard)];
        ::new (static_cast<void*>(left)) detail::read_guard(*me);
        EXPECT_FALSE(table.barrier_and_all_outside());
        {
            const detail::read_guard now(*me);
            EXPECT_FALSE(table.barrier_and_all_outside());
        }
        EXPECT_TRUE(table.barrier_and_all_outside());
        ::new (static_cast<void*>(left)) detail::read_guard(*me);
    }).join();
    EXPECT_TRUE(table.barrier_and_all_outside()) << "a thread that has ended is not inside";
}

// Otherwise every hit in a program with many caches would take one lock of the process, and search a list.
TEST(lock_free_lookup, find_their_place_among_many_tables_without_the_registry) {
    constexpr std::size_t many = 300;
    gate have_met;
    gate registry_taken;
    std::atomic<bool> found{false};
    std::thread reads([&] {
        std::vector<std::unique_ptr<detail::qsbr_domain>> tables;
        std::vector<detail::participant*> places;
        bool fresh = false;
        for (std::size_t i = 0; i < 3 * many; ++i) { // and two thirds of them are destroyed again
            tables.push_back(std::make_unique<detail::qsbr_domain>());
            places.push_back(tables.back()->join(fresh));
            if (i >= many) {
                tables[i - many].reset();
            }
        }
        have_met.open();
        registry_taken.pass();
        for (std::size_t i = 2 * many; i < 3 * many; ++i) {
            EXPECT_EQ(tables[i]->join(fresh), places[i]);
            EXPECT_FALSE(fresh);
        }
        found = true;
    });
    have_met.pass();
    {
        const std::lock_guard lock(detail::process_wide<detail::participant_registry>::get()->mutex);
        registry_taken.open();
        EXPECT_TRUE(give_way_until([&] { return found.load(); }, 20'000));
    }
    reads.join();
}

[[nodiscard]] bool taken_elsewhere(auto& lock) {
    bool got = false;
    std::thread([&] {
        got = lock.try_lock();
        if (got) {
            lock.unlock();
        }
    }).join();
    return !got;
}

TEST_F(hot_values, and_readers_are_locked_around_a_fork_by_the_first_table_until_the_last) {
    probe_cache other;
    cache_.lock_for_fork();
    other.lock_for_fork();
    EXPECT_TRUE(taken_elsewhere(detail::process_wide<detail::participant_registry>::get()->mutex));
    other.unlock_after_fork();
    EXPECT_TRUE(taken_elsewhere(detail::process_wide<detail::participant_registry>::get()->mutex));
    cache_.unlock_after_fork();
    EXPECT_FALSE(taken_elsewhere(detail::process_wide<detail::participant_registry>::get()->mutex));
}

// Another thread holds the second table's lock and waits for one that lies below it.
TEST_F(hot_values, and_readers_are_not_locked_while_a_further_table_waits_to_be) {
    probe_cache other;
    const probe_key there{1, 8};
    const probe_key its_neighbour{2, 7}; // of the same hash
    const handle<tracked_value> h = intern(other, there);
    gate reads;
    gate locked;
    gate inside;
    bool got = false;
    std::thread looks([&] {
        EXPECT_EQ(other.find(there), h);
        reads.open();
        locked.pass();
        int comparisons = 0;
        const with_hook hook(on_equal, [&](int) {
            if (++comparisons == 2) { // the first one was made without the lock
                inside.open();
                const auto end = std::chrono::steady_clock::now() + deadline;
                while (!(got = detail::hot_values::of_process().try_lock()) &&
                       std::chrono::steady_clock::now() < end) {
                    std::this_thread::yield();
                }
                if (got) {
                    detail::hot_values::of_process().unlock();
                }
            }
        });
        EXPECT_FALSE(other.find(its_neighbour));
    });
    reads.pass();
    cache_.lock_for_fork();
    locked.open();
    inside.pass();
    other.lock_for_fork();
    EXPECT_TRUE(got);
    other.unlock_after_fork();
    cache_.unlock_after_fork();
    looks.join();
}

// While the first thread waits for its second table, the other one holds the shared locks.
TEST_F(hot_values, and_readers_are_locked_by_two_threads_that_fork_at_once) {
    probe_cache other;
    const auto locks = [](probe_cache* first, probe_cache& second) {
        for (int i = 0; i < 20'000; ++i) {
            if (first != nullptr) {
                first->lock_for_fork();
                std::this_thread::yield(); // to the other thread, which then waits with `second` locked
            }
            second.lock_for_fork();
            second.unlock_after_fork();
            if (first != nullptr) {
                first->unlock_after_fork();
            }
        }
    };
    std::thread one([&] { locks(nullptr, other); });
    locks(&cache_, other);
    one.join();
    EXPECT_FALSE(taken_elsewhere(detail::process_wide<detail::participant_registry>::get()->mutex));
}

TEST(hot_values_fork, finds_nobody_in_the_middle_of_a_pin) {
    clear_books();
    probe_cache c;
    const handle<tracked_value> h = intern(c, key);
    c.lock_for_fork();
    std::atomic<bool> pinned{false};
    std::thread pins([&] {
        c.pin(h);
        pinned = true;
    });
    EXPECT_FALSE(give_way_until([&] { return pinned.load(); }));
    c.unlock_after_fork();
    pins.join();
    EXPECT_TRUE(pinned);
}

#if !defined(__SANITIZE_THREAD__) && !defined(_WIN32) // TSan does not support a fork with several threads
// Whatever other threads did with a hot value, the child's copy of the cache works.
TEST_F(hot_values, work_in_the_child_of_a_fork) {
    handle<tracked_value> stays = intern(cache_, key);
    std::atomic<bool> done{false};
    std::thread busy([&] {
        while (!done) {
            for (unsigned i = 0; i < detail::entry_word::last_generation; ++i) {
                handle<tracked_value> hot = intern(cache_, 2);
                handle<tracked_value> second = hot;
                make_hot(hot);
            }
        }
    });
    for (int round = 0; round < 100; ++round) {
        cache_.lock_for_fork();
        const int status = in_child([&] { // a lock that is never released would end it
            cache_.forget_other_threads();
            cache_.unlock_after_fork();
            handle<tracked_value> second = stays;
            make_hot(stays);
            second.reset();
            return is_hot(stays) ? 0 : 1;
        });
        cache_.unlock_after_fork();
        ASSERT_EQ(status, 0) << round;
    }
    done = true;
    busy.join();
}
#endif

} // namespace
} // namespace ibid
