// SPDX-License-Identifier: Apache-2.0
//
// Values that hold handles of the same cache, or of several in turn: how chains of them end.
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <pthread.h>

#include "ibid/cache.h"
#include "ibid/intern.h"
#include "ibid/weak.h"

namespace ibid {
namespace {

struct link {
    int number = 0;
    handle<link> next;
};
using links = cache<int, link>;

[[nodiscard]] handle<link> chain(links& in, int length) {
    handle<link> top;
    for (int i = 0; i < length; ++i) {
        top = in.intern(i, [&] { return link{i, std::move(top)}; });
    }
    return top;
}

// On a stack that a recursion would overflow after some hundred links.
void on_a_small_stack(void (*function)()) {
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, std::size_t{256} << 10);
    pthread_t thread{};
    ASSERT_EQ(pthread_create(
                  &thread, &small,
                  [](void* f) -> void* {
                      reinterpret_cast<void (*)()>(f)();
                      return nullptr;
                  },
                  reinterpret_cast<void*>(function)),
              0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&small);
}

TEST(value_chains, of_any_length_end_on_a_small_stack) {
    on_a_small_stack([] {
        links c;
        handle<link> top = chain(c, 200'000);
        top.reset();
        EXPECT_EQ(c.statistics().entries, 0U);
    });
}

TEST(value_chains, end_though_their_cache_has_gone) {
    on_a_small_stack([] {
        auto c = std::make_unique<links>();
        handle<link> top = chain(*c, 100'000);
        c.reset();
        top.reset();
    });
}

TEST(value_chains, end_beside_other_threads_that_look_up) {
    links c;
    for (int round = 0; round < 20; ++round) {
        handle<link> top = chain(c, 2'000);
        std::thread looks([&] {
            for (int i = 0; i < 2'000; ++i) {
                if (const handle<link> h = c.find(i)) {
                    EXPECT_EQ(h->number, i);
                }
            }
        });
        top.reset();
        looks.join();
        EXPECT_EQ(c.statistics().entries, 0U);
    }
}

struct other_link;
struct one_link {
    handle<other_link> next;
};
struct other_link {
    handle<one_link> next;
};

TEST(value_chains, through_two_caches_end_on_a_small_stack) {
    on_a_small_stack([] {
        cache<int, one_link> ones;
        cache<int, other_link> others;
        handle<one_link> top;
        for (int i = 0; i < 50'000; ++i) {
            handle<other_link> other = others.intern(i, [&] { return other_link{std::move(top)}; });
            top = ones.intern(i, [&] { return one_link{std::move(other)}; });
        }
        top.reset();
        EXPECT_EQ(ones.statistics().entries, 0U);
        EXPECT_EQ(others.statistics().entries, 0U);
    });
}

// Values that say when they end.
struct told {
    std::string name;
    std::vector<std::string>* ends = nullptr;
    std::vector<handle<told>> parts;

    told(std::string n, std::vector<std::string>& to, std::vector<handle<told>> p)
        : name(std::move(n)), ends(&to), parts(std::move(p)) {}
    told(told&& other) noexcept = default;
    ~told() {
        if (!name.empty()) {
            ends->push_back(name);
        }
    }
};

TEST(value_chains, end_in_the_order_of_their_drops_before_the_first_drop_returns) {
    std::vector<std::string> ends;
    cache<std::string, told> c;
    const auto make = [&](const char* name, std::vector<handle<told>> parts) {
        return c.intern(std::string(name), [&] { return told(name, ends, std::move(parts)); });
    };
    handle<told> shared = make("shared", {});
    handle<told> top =
        make("top", {make("a", {make("a1", {}), make("a2", {shared})}), make("b", {make("b1", {})})});
    const weak<told> b(top->parts[1]);
    ends.clear();
    top.reset();
    EXPECT_EQ(ends, (std::vector<std::string>{"top", "a", "b", "a1", "a2", "b1"}));
    EXPECT_FALSE(b.lock());
    EXPECT_EQ(c.statistics().entries, 1U);
    shared.reset();
    EXPECT_EQ(c.statistics().entries, 0U);
}

// A destructor that interns what it has just dropped gets a new value.
struct again {
    cache<int, again>* in = nullptr;
    handle<again> part;
    again(cache<int, again>* c, handle<again> p) : in(c), part(std::move(p)) {}
    again(again&& other) noexcept : in(std::exchange(other.in, nullptr)), part(std::move(other.part)) {}
    ~again() {
        if (in != nullptr && part) {
            part.reset();
            const handle<again> fresh = in->intern(1, [] { return again(nullptr, nullptr); });
            EXPECT_TRUE(fresh);
        }
    }
};

TEST(value_chains, may_begin_again_in_a_destructor) {
    cache<int, again> c;
    handle<again> top =
        c.intern(2, [&] { return again(&c, c.intern(1, [] { return again(nullptr, nullptr); })); });
    top.reset();
    EXPECT_EQ(c.statistics().entries, 0U);
    EXPECT_EQ(c.statistics().misses, 3U);
}

} // namespace
} // namespace ibid
