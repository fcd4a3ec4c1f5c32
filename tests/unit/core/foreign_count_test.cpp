// SPDX-License-Identifier: Apache-2.0
//
// The table with values whose references other code counts. `foreign` behaves like an X509: while it is
// ending, the first attempt to take a reference fails and later ones succeed, and its memory is valid until
// its end callback returns.
#include <array>
#include <atomic>
#include <memory>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/detail/table/interner.h"
#include "ibid/hash.h"
#include "support/crew.h"
#include "support/gate.h"

namespace ibid {
namespace {

using namespace ibid::testing;

struct foreign;

struct foreign_traits {
    using entry = foreign;
    using key = int;
    static bool may_match(const foreign& e, int k) noexcept;
    static bool may_match(int flying, int k) noexcept { return flying == k; }
    static bool try_acquire(foreign& e) noexcept;
    static void acquire(foreign& e) noexcept;
    static void release(foreign& e) noexcept;
    static std::size_t weight(const foreign&) noexcept { return 100; }
    static void weigh(foreign& e, int k) noexcept;
    static std::size_t saved(const foreign&) noexcept { return 4; }
};

using table = detail::interner<foreign_traits>;

struct foreign : detail::entry_word {
    static inline std::atomic<int> alive{0};
    static inline std::atomic<int> tries_after_a_failed_one{0};
    static inline gate* dying =
        nullptr; // opened between the last reference and the end callback, which waits for `go_on`
    static inline gate* go_on = nullptr;

    table* in = nullptr; // null: in no table
    int key;
    std::atomic<int> references{1};
    std::atomic<bool> failed{false};
    bool weighed = false;

    explicit foreign(int k) : key(k) { ++alive; }
    ~foreign() { --alive; }

    // Like CRYPTO_UP_REF: it succeeds if the count is then two or more.
    bool up() noexcept {
        if (failed.load()) {
            ++tries_after_a_failed_one;
        }
        const bool ok = references.fetch_add(1) + 1 > 1;
        if (!ok) {
            failed = true;
        }
        return ok;
    }
    void down() noexcept {
        if (references.fetch_sub(1) != 1) {
            return;
        }
        if (dying != nullptr) {
            dying->open();
            go_on->pass();
        }
        if (in != nullptr) {
            in->forget(*this);
        }
        delete this;
    }
};

bool foreign_traits::may_match(const foreign& e, int k) noexcept {
    return e.key == k;
}
bool foreign_traits::try_acquire(foreign& e) noexcept {
    return e.up();
}
void foreign_traits::weigh(foreign& e, int k) noexcept {
    e.weighed = e.key == k;
}
void foreign_traits::acquire(foreign& e) noexcept {
    e.up();
}
void foreign_traits::release(foreign& e) noexcept {
    e.down();
}

bool out_of_memory = false;

template <class T>
struct failing_allocator {
    using value_type = T;
    failing_allocator() = default;
    template <class U>
    failing_allocator(const failing_allocator<U>&) noexcept {} // NOLINT(google-explicit-constructor)
    T* allocate(std::size_t n) {
        return out_of_memory ? throw std::bad_alloc() : std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) noexcept { std::allocator<T>().deallocate(p, n); }
    friend bool operator==(const failing_allocator&, const failing_allocator&) = default;
};

class foreign_counts : public ::testing::Test {
protected:
    ~foreign_counts() override {
        table_->close();
        EXPECT_EQ(foreign::alive, 0);
        EXPECT_EQ(foreign::tries_after_a_failed_one, 0);
    }

    // A reference to the object of `k`, which is made if it does not exist.
    foreign* get(int k, bool in_protected = false) {
        table::flight_type flight{&k, hash<int>()(k)};
        if (foreign* const found = table_->find(flight.hash, k)) {
            return found;
        }
        if (foreign* const found = table_->begin(flight)) {
            return found;
        }
        auto* const fresh = new foreign(k);
        fresh->in = table_;
        if (in_protected) {
            fresh->set(detail::entry_word::in_protected);
        }
        table_->publish(flight, *fresh);
        return fresh;
    }
    // Inserts an object made in advance. Returns null, or a reference to an existing object.
    foreign* insert(foreign& made) {
        return table_->insert_or_acquire(made, hash<int>()(made.key), made.key);
    }
    foreign* find(int k) { return table_->find(hash<int>()(k), k); }
    bool has(int k) {
        foreign* const found = find(k);
        if (found != nullptr) {
            found->down();
        }
        return found != nullptr;
    }
    void pass_through(int k, bool in_protected = false) { get(k, in_protected)->down(); }
    void pass_through_twice(int k) {
        pass_through(k);
        pass_through(k);
    }

    table* table_ = table::create({});
};

TEST_F(foreign_counts, share_one_object_and_end_with_the_owners_own_release) {
    foreign* const a = get(1);
    foreign* const b = get(1);
    EXPECT_EQ(a, b);
    a->down();
    EXPECT_TRUE(has(1));
    b->down();
    EXPECT_FALSE(has(1));
    EXPECT_EQ(foreign::alive, 0);
    EXPECT_EQ(table_->count().entries, 0U);
}

TEST_F(foreign_counts, of_a_dying_object_are_tried_once_and_never_again) {
    gate dying;
    gate go_on;
    foreign* const a = get(1);
    foreign::dying = &dying;
    foreign::go_on = &go_on;
    std::thread dropper([&] { a->down(); });
    dying.pass();
    foreign::dying = nullptr;
    EXPECT_FALSE(has(1)) << "the first try fails";
    EXPECT_FALSE(has(1)) << "a second try would succeed, and hand out an object that is being freed";
    foreign* const b = get(1);
    EXPECT_NE(a, b);
    go_on.open();
    dropper.join();
    EXPECT_TRUE(has(1)) << "the end of the first does not remove the second";
    b->down();
}

TEST_F(foreign_counts, of_objects_that_are_made_beforehand_are_those_of_the_first) {
    auto* const a = new foreign(1);
    auto* const b = new foreign(1);
    a->in = table_;
    EXPECT_EQ(insert(*a), nullptr);
    EXPECT_EQ(insert(*b), a);
    EXPECT_EQ(a->references, 2);
    EXPECT_EQ(b->references, 1) << "is unchanged";
    b->down();
    const statistics s = table_->count();
    EXPECT_EQ(s.misses, 1U);
    EXPECT_EQ(s.hits, 1U);
    EXPECT_EQ(s.bytes_not_parsed, 0U);
    EXPECT_EQ(s.entries, 1U);
    table_->count_miss(hash<int>()(2));
    EXPECT_EQ(table_->count().misses, 2U);
    a->down();
    a->down();
    EXPECT_EQ(table_->count().entries, 0U);
}

TEST_F(foreign_counts, of_objects_that_are_made_beforehand_wait_for_no_make) {
    const int key = 1;
    table::flight_type flight{&key, hash<int>()(key)};
    ASSERT_EQ(table_->begin(flight), nullptr);
    auto* const a = new foreign(2);
    a->in = table_;
    EXPECT_EQ(insert(*a), nullptr) << "also in the shard of a flight";
    table_->abandon(flight);
    a->down();
}

TEST_F(foreign_counts, of_a_dying_object_let_another_take_its_place) {
    gate dying;
    gate go_on;
    foreign* const a = get(1);
    foreign::dying = &dying;
    foreign::go_on = &go_on;
    std::thread dropper([&] { a->down(); });
    dying.pass();
    foreign::dying = nullptr;
    auto* const b = new foreign(1);
    b->in = table_;
    EXPECT_EQ(insert(*b), nullptr);
    go_on.open();
    dropper.join();
    EXPECT_TRUE(has(1));
    b->down();
}

TEST_F(foreign_counts, of_objects_that_are_made_beforehand_are_weighed_when_they_may_be_kept) {
    table_->retain({.bytes = 100 * 8, .entries = 8});
    const auto pass = [&](int k, bool in_protected) {
        auto* const a = new foreign(k);
        a->in = table_;
        if (in_protected) {
            a->set(detail::entry_word::in_protected);
        }
        EXPECT_EQ(insert(*a), nullptr);
        const bool weighed = a->weighed;
        a->down();
        return weighed;
    };
    EXPECT_FALSE(pass(1, false)) << "a first-timer is not retained";
    EXPECT_EQ(table_->count().retained, 0U);
    EXPECT_TRUE(pass(1, false)) << "it came back";
    EXPECT_TRUE(pass(2, true));
    EXPECT_EQ(table_->count().retained, 2U);
}

TEST_F(foreign_counts, of_objects_that_find_no_memory_in_the_table_are_their_makers_alone) {
    using failing = detail::interner<foreign_traits, failing_allocator<std::byte>>;
    failing* const its = failing::create({});
    foreign a(1);
    const std::uint64_t hash = ibid::hash<int>()(1);
    out_of_memory = true;
    EXPECT_THROW((void)its->insert_or_acquire(a, hash, 1), std::bad_alloc);
    out_of_memory = false;
    EXPECT_EQ(its->count().misses + its->count().entries, 0U);
    EXPECT_EQ(its->find(hash, 1), nullptr);
    EXPECT_EQ(its->insert_or_acquire(a, hash, 1), nullptr);
    its->forget(a);
    its->close();
}

TEST_F(foreign_counts, of_a_stampede_of_objects_are_those_of_one) {
    std::atomic<int> wrong{0};
    crew four(4);
    for (int round = 0; round < 200; ++round) {
        std::array<foreign*, 4> got{};
        four.run([&](std::size_t thread) {
            auto* const own = new foreign(round);
            own->in = table_;
            foreign* const first = insert(*own);
            if (first != nullptr) {
                own->in = nullptr;
                own->down();
            }
            got[thread] = first != nullptr ? first : own;
        });
        for (foreign* const f : got) {
            wrong += f != got[0];
        }
        for (foreign* const f : got) {
            f->down();
        }
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(table_->count().misses, 200U);
    EXPECT_EQ(table_->count().hits, 600U);
}

TEST_F(foreign_counts, of_a_detached_object_are_the_owners_alone) {
    foreign* const a = get(1);
    EXPECT_TRUE(table_->detach(*a));
    EXPECT_FALSE(table_->detach(*a)) << "once";
    EXPECT_FALSE(has(1));
    foreign* const b = get(1);
    EXPECT_NE(a, b);
    EXPECT_EQ(table_->count().detached, 1U);
    a->down();
    EXPECT_TRUE(has(1));
    b->down();
    EXPECT_EQ(table_->count().entries, 0U);
}

TEST_F(foreign_counts, that_are_chosen_are_detached_together) {
    std::vector<foreign*> all;
    for (int k = 0; k < 100; ++k) {
        all.push_back(get(k));
    }
    table_->detach_if([](const foreign& f) { return f.key % 2 == 0; });
    for (int k = 0; k < 100; ++k) {
        EXPECT_EQ(has(k), k % 2 == 1);
    }
    EXPECT_EQ(table_->count().detached, 50U);
    for (foreign* const f : all) {
        f->down();
    }
}

TEST_F(foreign_counts, keep_the_table_beyond_its_closing) {
    foreign* const a = get(1);
    std::exchange(table_, table::create({}))->close();
    a->down(); // removes itself from a table to which nothing else refers
}

TEST_F(foreign_counts, in_probation_never_evict_protected_ones) {
    table_->retain({.bytes = 100 * 8, .entries = 8});
    for (int k = 0; k < 5; ++k) {
        pass_through(k, true);
    }
    for (int k = 100; k < 200; ++k) {
        pass_through_twice(k); // many keys that any peer can send
    }
    for (int k = 0; k < 5; ++k) {
        EXPECT_TRUE(has(k)) << k;
    }
    EXPECT_EQ(table_->count().retained, 8U) << "probationary entries use the space that protected ones leave";
    for (int k = 5; k < 8; ++k) {
        pass_through(k, true);
    }
    for (int k = 0; k < 8; ++k) {
        EXPECT_TRUE(has(k)) << k;
    }
    pass_through_twice(300);
    EXPECT_FALSE(has(300)) << "no room is left for probationary entries";
}

TEST_F(foreign_counts, in_probation_are_retained_from_their_second_insert_on) {
    table_->retain({.bytes = 100 * 8, .entries = 8});
    for (int k = 0; k < 1000; ++k) {
        pass_through(k);
        EXPECT_EQ(foreign::alive, 0) << "a first-timer is not retained: " << k;
    }
    pass_through(998);
    pass_through(999, true);
    EXPECT_EQ(table_->count().retained, 2U) << "one was inserted a second time, one is protected";
    pass_through(0);
    EXPECT_FALSE(has(0)) << "its first insert is no longer remembered";
    foreign* const held = get(2000);
    EXPECT_EQ(table_->count().retained, 2U);
    pass_through(2000); // a second one while the first still exists
    EXPECT_EQ(table_->count().retained, 3U);
    held->down();
    EXPECT_TRUE(has(2000));
    table_->drop_retained();
    pass_through(2000);
    EXPECT_FALSE(has(2000)) << "trimming forgets the keys that were seen";
}

TEST_F(foreign_counts, earn_their_place_later) {
    table_->retain({.bytes = 100 * 4, .entries = 4});
    foreign* const a = get(1);
    table_->protect(*a);
    a->down();
    for (int k = 100; k < 200; ++k) {
        pass_through_twice(k);
    }
    EXPECT_TRUE(has(1));
}

TEST_F(foreign_counts, that_earn_their_place_while_they_are_kept_are_spared_when_their_turn_comes) {
    table_->retain({.bytes = 100 * 8, .entries = 8});
    for (int k = 0; k < 8; ++k) {
        pass_through_twice(k);
    }
    for (int k = 0; k < 8; k += 2) {
        foreign* const f = find(k);
        table_->protect(*f);
        f->down();
    }
    for (int k = 100; k < 300; ++k) {
        pass_through_twice(k);
        pass_through(k); // probationary entries are hit as well
    }
    for (int k = 0; k < 8; ++k) {
        EXPECT_EQ(has(k), k % 2 == 0) << k;
    }
    EXPECT_EQ(table_->count().retained, 8U);
}

TEST_F(foreign_counts, that_are_protected_are_remembered_through_a_flood_of_first_timers) {
    table_->retain({.bytes = 100 * 8, .entries = 8});
    for (int k = 0; k < 9; ++k) {
        pass_through(k, true);
    }
    ASSERT_FALSE(has(0));
    table_->drop_retained_if([](const foreign& f) { return f.key < 5; }); // room for first-timers
    for (int k = 100; k < 1100; ++k) {
        pass_through_twice(k);
    }
    pass_through(0, true); // returns, and is in the main queue at once
    for (int k = 2000; k < 2200; ++k) {
        pass_through(k, true);
    }
    EXPECT_TRUE(has(0));
}

TEST_F(foreign_counts, that_are_chosen_are_retained_no_longer) {
    table_->retain({.bytes = 100 * 100, .entries = 100});
    for (int k = 0; k < 60; ++k) {
        pass_through(k, k % 3 == 0);
        pass_through(k);
    }
    table_->drop_retained_if([](const foreign& f) { return f.key % 2 == 0; });
    for (int k = 0; k < 60; ++k) {
        EXPECT_EQ(has(k), k % 2 == 1);
    }
    EXPECT_EQ(table_->count().retained, 30U);
}

TEST_F(foreign_counts, survive_a_race_of_finders_makers_droppers_and_detachers) {
    crew threads(3);
    for (const std::size_t retained : {std::size_t{0}, std::size_t{2}}) {
        table_->retain({.bytes = 1000, .entries = retained});
        threads.run([&](std::size_t i) {
            for (int round = 0; round < 3000; ++round) {
                const int k = (round + static_cast<int>(i)) % 3;
                foreign* const f = get(k);
                ASSERT_EQ(f->key, k);
                if (round % 17 == 0) {
                    table_->detach(*f);
                    table_->drop_retained_if([f](const foreign& kept) { return &kept == f; });
                }
                if (round % 5 == 0) {
                    has((k + 1) % 3);
                }
                f->down();
            }
        });
    }
    table_->retain({});
    EXPECT_EQ(foreign::alive, 0);
}

} // namespace
} // namespace ibid
