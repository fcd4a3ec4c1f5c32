// SPDX-License-Identifier: Apache-2.0
//
// What the factory and the reset hook may do, and what happens when they fail.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <pthread.h>

#include "ibid/pool.h"
#include "tracked.h"

namespace {

using ibid_test::life_counts;
using ibid_test::make_tracked;
using ibid_test::tracked;

TEST(factory, that_throws_leaves_no_trace) {
    bool fail = true;
    life_counts l;
    ibid::pool<tracked> p([&] {
        if (fail) {
            throw std::runtime_error("no");
        }
        return tracked(l);
    });
    for (int i = 0; i < 3; ++i) {
        EXPECT_THROW((void)p.take(), std::runtime_error);
    }
    EXPECT_EQ(p.statistics().made, 0u);
    EXPECT_EQ(p.statistics().ended, 0u);
    fail = false;
    EXPECT_EQ(p.take()->number, 0);
    EXPECT_EQ(p.statistics().made, 1u);
}

TEST(factory, that_throws_does_not_keep_an_ended_pool_alive) {
    auto inside = std::make_shared<int>(0);
    {
        ibid::pool<int> p([inside]() -> int { throw std::runtime_error("no"); });
        EXPECT_THROW((void)p.take(), std::runtime_error);
    }
    EXPECT_EQ(inside.use_count(), 1);
}

TEST(factory, may_make_what_cannot_move) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l)); // tracked has no move constructor
    EXPECT_EQ(p.take()->number, 0);
}

TEST(factory, may_give_what_the_object_is_made_from) {
    ibid::pool<std::string> p([] { return "from a pointer"; });
    EXPECT_EQ(*p.take(), "from a pointer");
}

TEST(factory, may_use_the_pool_it_makes_for) {
    ibid::pool<int>* self = nullptr;
    int depth = 0;
    ibid::pool<int> p([&] { return ++depth < 3 ? *self->take() + 1 : 0; });
    self = &p;
    EXPECT_EQ(*p.take(), 2);
}

TEST(hooks, live_until_the_last_loan_has_ended) {
    auto inside = std::make_shared<int>(0);
    ibid::loan<int> late;
    {
        ibid::pool<int> p([inside] { return 1; }, [inside](int&) {});
        late = p.take();
    }
    EXPECT_EQ(inside.use_count(), 3);
    late.end();
    EXPECT_EQ(inside.use_count(), 1);
}

TEST(hooks, may_be_move_only) {
    ibid::pool<int> p([n = std::make_unique<int>(7)] { return *n; },
                      [n = std::make_unique<int>(0)](int& i) { i += *n; });
    EXPECT_EQ(*p.take(), 7);
}

TEST(reset, runs_once_for_each_return) {
    int resets = 0;
    ibid::pool<int> p([] { return 1; },
                      [&](int& i) {
                          ++resets;
                          i = 100;
                      });
    {
        const auto a = p.take();
        EXPECT_EQ(*a, 1);
        EXPECT_EQ(resets, 0);
    }
    EXPECT_EQ(resets, 1);
    EXPECT_EQ(*p.take(), 100);
    EXPECT_EQ(resets, 2);
}

TEST(reset, that_throws_costs_the_object_and_nothing_else) {
    life_counts l;
    ibid::pool<tracked> p(make_tracked(l), [](tracked& t) {
        if (t.uses == 13) {
            throw std::runtime_error("broken");
        }
    });
    {
        const auto a = p.take();
        a->uses = 13;
    }
    EXPECT_EQ(l.alive(), 0);
    EXPECT_EQ(p.statistics().idle, 0u);
    EXPECT_EQ(p.take()->number, 1);
    EXPECT_EQ(p.statistics().idle, 1u);
}

TEST(reset, that_says_no_drops_what_grew_too_large) {
    ibid::pool<std::string> p([] { return std::string(); },
                              [](std::string& s) {
                                  s.clear();
                                  return s.capacity() <= 1024;
                              });
    { p.take()->assign(100, 'x'); }
    EXPECT_EQ(p.statistics().idle, 1u);
    { p.take()->assign(100'000, 'x'); }
    EXPECT_EQ(p.statistics().idle, 0u);
    EXPECT_EQ(p.statistics().ended, 1u);
}

TEST(reset, does_not_run_when_the_pool_has_ended) {
    int resets = 0;
    auto p = std::make_unique<ibid::pool<int>>([] { return 1; }, [&](int&) { ++resets; });
    auto a = p->take();
    p.reset();
    a.end();
    EXPECT_EQ(resets, 0);
}

TEST(reset, does_not_run_on_what_is_discarded) {
    int resets = 0;
    ibid::pool<int> p([] { return 1; }, [&](int&) { ++resets; });
    p.take().discard();
    EXPECT_EQ(resets, 0);
}

TEST(reset, may_use_the_pool_it_returns_to) {
    ibid::pool<int>* self = nullptr;
    int budget = 5;
    ibid::pool<int> p([] { return 1; },
                      [&](int&) {
                          if (budget-- > 0) {
                              self->trim();
                              const auto nested = self->take();
                          }
                      });
    self = &p;
    { const auto a = p.take(); }
    EXPECT_EQ(budget, -1);
}

struct buffer {
    ibid::loan<buffer> next;
    inline static int alive = 0;
    buffer() { ++alive; }
    buffer(buffer&& other) noexcept : next(std::move(other.next)) { ++alive; }
    ~buffer() { --alive; }
};
[[nodiscard]] ibid::loan<buffer> chain(ibid::pool<buffer>& of, int length) {
    ibid::loan<buffer> first;
    for (int i = 0; i < length; ++i) {
        ibid::loan<buffer> l = of.take();
        l->next = std::move(first);
        first = std::move(l);
    }
    return first;
}

// A recursion would overflow it after some thousand objects.
TEST(chains_of_loans, end_on_a_small_stack) {
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, std::size_t{256} << 10);
    pthread_t thread{};
    ASSERT_EQ(
        pthread_create(
            &thread, &small,
            [](void*) -> void* {
                constexpr int length = 50'000;
                {
                    ibid::pool<buffer> p([] { return buffer(); }, [](buffer& b) { b.next.end(); },
                                         {.objects = 2 * length});
                    chain(p, length).end();
                    EXPECT_EQ(p.statistics().idle, std::size_t{length});
                    chain(p, length).end();
                    EXPECT_EQ(p.statistics().made, std::uint64_t{length}) << "they are used again";
                    chain(p, length).discard();
                    EXPECT_EQ(p.statistics().idle, std::size_t{length - 1});
                }
                EXPECT_EQ(buffer::alive, 0);
                {
                    ibid::pool<buffer> kept; // without a hook: an idle object holds the loan of the next
                    chain(kept, length).end();
                    EXPECT_EQ(buffer::alive, length);
                }
                EXPECT_EQ(buffer::alive, 0);
                ibid::loan<buffer> outlives;
                {
                    ibid::pool<buffer> p([] { return buffer(); }, [](buffer&) {});
                    outlives = chain(p, length);
                }
                outlives.end();
                EXPECT_EQ(buffer::alive, 0);
                return nullptr;
            },
            nullptr),
        0);
    pthread_attr_destroy(&small);
    pthread_join(thread, nullptr);
}

TEST(destructor, of_an_object_may_use_its_pool) {
    struct nosy {
        ibid::pool<nosy>** home;
        int* died;
        ~nosy() {
            if (*home != nullptr && (*died)++ < 2) {
                const auto other = (*home)->take();
                (*home)->trim();
            }
        }
    };
    int died = 0;
    ibid::pool<nosy>* home = nullptr;
    ibid::pool<nosy> p([&] { return nosy{&home, &died}; });
    home = &p;
    { const auto a = p.take(); }
    p.clear();
    EXPECT_GE(died, 1);
    home = nullptr;
}

TEST(reset_hook, may_answer_by_a_reference) {
    struct parser {
        bool sound = true;
    };
    ibid::pool<parser> p([] { return parser(); }, [](parser& x) -> bool& { return x.sound; });
    p.take()->sound = false;
    EXPECT_EQ(p.statistics().ended, 1u);
    (void)p.take();
    EXPECT_EQ(p.statistics().ended, 1u);
}

} // namespace
