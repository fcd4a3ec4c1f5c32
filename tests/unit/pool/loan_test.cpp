// SPDX-License-Identifier: Apache-2.0
//
// One thread and one pool: the properties of a loan, and where its object returns to.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/pool.h"
#include "tracked.h"

namespace {

using ibid_test::life_counts;
using ibid_test::make_tracked;
using ibid_test::tracked;

// Returning an object twice is impossible: only the loan that has it returns it, and is then empty.
static_assert(!std::is_copy_constructible_v<ibid::loan<tracked>> &&
              !std::is_copy_assignable_v<ibid::loan<tracked>>);
static_assert(std::is_nothrow_move_constructible_v<ibid::loan<tracked>>);
static_assert(std::is_nothrow_move_assignable_v<ibid::loan<tracked>>);
static_assert(!std::is_constructible_v<ibid::loan<tracked>, tracked*>);
static_assert(sizeof(ibid::loan<tracked>) == sizeof(void*));
static_assert(!std::is_copy_constructible_v<ibid::pool<tracked>> &&
              !std::is_move_constructible_v<ibid::pool<tracked>>);

TEST(loan, returns_its_object_at_the_end_of_its_scope) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    tracked* first = nullptr;
    {
        const ibid::loan<tracked> a = p.take();
        first = a.get();
        EXPECT_EQ(p.statistics().idle, 0u);
    }
    EXPECT_EQ(p.statistics().idle, 1u);
    const ibid::loan<tracked> b = p.take();
    EXPECT_EQ(b.get(), first);
    EXPECT_EQ(l.born, 1);
}

TEST(loan, is_alone_with_its_object) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    std::vector<ibid::loan<tracked>> loans;
    for (int i = 0; i < 100; ++i) {
        loans.push_back(p.take());
        EXPECT_EQ(loans.back()->uses++, 0);
    }
    EXPECT_EQ(l.born, 100);
}

TEST(loan, moves_and_leaves_nothing_behind) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    ibid::loan<tracked> a = p.take();
    tracked* const object = a.get();
    ibid::loan<tracked> b = std::move(a);
    EXPECT_FALSE(a); // NOLINT(bugprone-use-after-move): that is the question
    EXPECT_EQ(b.get(), object);
    ibid::loan<tracked> c;
    c = std::move(b);
    EXPECT_EQ(c.get(), object);
    EXPECT_EQ(p.statistics().idle, 0u);
}

TEST(loan, assigned_over_returns_the_object_that_it_had) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    ibid::loan<tracked> a = p.take();
    ibid::loan<tracked> b = p.take();
    a = std::move(b);
    EXPECT_EQ(p.statistics().idle, 1u);
    EXPECT_EQ(a->number, 1);
}

TEST(loan, moved_into_itself_keeps_its_object) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    ibid::loan<tracked> a = p.take();
    ibid::loan<tracked>& alias = a;
    a = std::move(alias);
    ASSERT_TRUE(a);
    EXPECT_EQ(p.statistics().idle, 0u);
}

TEST(loan, ended_early_is_empty_and_ends_once) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    {
        ibid::loan<tracked> a = p.take();
        a.end();
        EXPECT_FALSE(a);
        EXPECT_EQ(a.get(), nullptr);
        a.end();
        EXPECT_EQ(p.statistics().idle, 1u);
    }
    EXPECT_EQ(p.statistics().idle, 1u);
}

TEST(loan, discarded_destroys_its_object) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l));
    ibid::loan<tracked> a = p.take();
    a.discard();
    EXPECT_FALSE(a);
    EXPECT_EQ(l.alive(), 0);
    EXPECT_EQ(p.statistics().ended, 1u);
    EXPECT_EQ(p.take()->number, 1);
}

TEST(loan, outlives_its_pool_and_then_destroys_its_object) {
    life_counts l;
    auto p = std::make_unique<ibid::pool<tracked>>(make_tracked(l));
    ibid::loan<tracked> early = p->take();
    ibid::loan<tracked> late = p->take();
    early.end();
    p.reset();
    EXPECT_EQ(l.alive(), 1) << "idle objects end with the pool, those on loan do not";
    EXPECT_EQ(late->where, &l);
    late.end();
    EXPECT_EQ(l.alive(), 0);
}

TEST(loan, of_an_ended_pool_may_be_discarded) {
    life_counts l;
    auto p = std::make_unique<ibid::pool<tracked>>(make_tracked(l));
    ibid::loan<tracked> a = p->take();
    p.reset();
    a.discard();
    EXPECT_EQ(l.alive(), 0);
}

TEST(pool, destroys_its_idle_objects_when_it_ends) {
    life_counts l;
    {
        ibid::pool<tracked> p(make_tracked(l));
        std::vector<ibid::loan<tracked>> loans;
        for (int i = 0; i < 200; ++i) {
            loans.push_back(p.take());
        }
        loans.clear();
        EXPECT_EQ(l.dead, 0);
    }
    EXPECT_EQ(l.alive(), 0);
}

TEST(pool, makes_plain_objects_by_itself) {
    ibid::pool<std::array<int, 16>> p;
    const auto a = p.take();
    EXPECT_EQ(*a, (std::array<int, 16>{}));
}

TEST(pool, respects_the_alignment_of_its_objects) {
    struct alignas(256) wide {
        char bytes[256];
    };
    ibid::pool<wide> p;
    const auto a = p.take();
    const auto b = p.take();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.get()) % 256, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b.get()) % 256, 0u);
}

TEST(pool, may_end_and_another_take_its_place_on_the_same_thread) {
    life_counts l;
    for (int i = 0; i < 50; ++i) {
        ibid::pool<tracked> p(make_tracked(l));
        { const auto a = p.take(); }
        const auto b = p.take();
        EXPECT_EQ(b->number, i) << "an object of an earlier pool must not be taken from a later one";
    }
    EXPECT_EQ(l.alive(), 0);
}

TEST(pool, keeps_apart_from_many_others) {
    std::vector<std::unique_ptr<life_counts>> counts;
    std::vector<std::unique_ptr<ibid::pool<tracked>>> pools;
    for (int i = 0; i < 300; ++i) {
        counts.push_back(std::make_unique<life_counts>());
        pools.push_back(std::make_unique<ibid::pool<tracked>>(make_tracked(*counts.back())));
    }
    for (int round = 0; round < 3; ++round) {
        for (std::size_t i = 0; i < pools.size(); ++i) {
            EXPECT_EQ(pools[i]->take()->where, counts[i].get());
        }
    }
    for (std::size_t i = 0; i < pools.size(); i += 2) { // every second one ends, and new ones get the numbers
        pools[i].reset();
        pools[i] = std::make_unique<ibid::pool<tracked>>(make_tracked(*counts[i]));
    }
    for (std::size_t i = 0; i < pools.size(); ++i) {
        EXPECT_EQ(pools[i]->take()->where, counts[i].get());
        EXPECT_EQ(counts[i]->born, i % 2 == 0 ? 2 : 1);
    }
}

TEST(pool, of_objects_that_hold_loans_of_the_same_pool_unwinds) {
    struct link {
        ibid::loan<link> next;
    };
    auto p = std::make_unique<ibid::pool<link>>();
    for (int i = 0; i < 3; ++i) { // a chain: each object returns its neighbour when it is destroyed
        ibid::loan<link> outer = p->take();
        outer->next = p->take();
        outer->next->next = p->take();
    }
    p->clear();
    p.reset();
}

TEST(pool, example_of_its_header) {
    ibid::pool<std::string> lines([] { return std::string(); }, [](std::string& s) { s.clear(); });
    {
        ibid::loan<std::string> line = lines.take();
        *line += "used again, with the capacity it has grown";
    }
    const ibid::loan<std::string> line = lines.take();
    EXPECT_TRUE(line->empty());
    EXPECT_GE(line->capacity(), 40u);
}

struct covers_its_address {
    int n = 4;
    void operator&() const = delete; // NOLINT(google-runtime-operator)
};

TEST(loan, finds_what_overloads_the_address_operator) {
    ibid::pool<covers_its_address> p;
    ibid::loan<covers_its_address> a = p.take();
    EXPECT_EQ((*a).n + a->n + a.get()->n, 12);
    void* const word = a.leak();
    EXPECT_EQ(decltype(a)::object(word)->n, 4);
    decltype(a)::end(word);
}

} // namespace
