// SPDX-License-Identifier: Apache-2.0
//
// Values that hold handles of the same cache, or of several in turn: how chains of them end.
#include <cstddef>
#include <memory>
#include <memory_resource>
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

// Counts its end in what may be a local variable.
struct counted {
    int* ends;
    explicit counted(int& in) : ends(&in) {}
    counted(counted&& other) noexcept : ends(std::exchange(other.ends, nullptr)) {}
    ~counted() {
        if (ends != nullptr) {
            ++*ends;
        }
    }
};

// Calls a function in its destructor.
struct calls {
    void (*function)();
    explicit calls(void (*f)()) : function(f) {}
    calls(calls&& other) noexcept : function(std::exchange(other.function, nullptr)) {}
    ~calls() {
        if (function != nullptr) {
            function();
        }
    }
};

void in_a_destructor(void (*function)()) {
    cache<int, calls> outer;
    outer.intern(1, [&] { return calls(function); }).reset();
}

// A library function does not know that a destructor calls it: in its own caches, values end as elsewhere.
TEST(values_of_another_cache, end_at_once_in_a_destructor) {
    in_a_destructor([] {
        int ends = 0;
        cache<int, counted> c({.retain = {.bytes = 1 << 20, .entries = 10}});
        handle<counted> held = c.intern(0, [&] { return counted(ends); });
        (void)c.intern(1, [&] { return counted(ends); });
        (void)c.forget(1);
        EXPECT_EQ(ends, 1);
        (void)c.intern(2, [&] { return counted(ends); });
        c.trim();
        EXPECT_EQ(ends, 2);
        (void)c.intern(3, [&] { return counted(ends); });
        c.retain({});
        EXPECT_EQ(ends, 3);
        held.reset();
        EXPECT_EQ(ends, 4);
    });
}

TEST(values_of_another_cache, may_live_in_an_arena_that_goes_with_their_owner) {
    using names = cache<int, std::pmr::string, key_beside, hash<int>, equal,
                        std::pmr::polymorphic_allocator<std::byte>>;
    struct session {
        std::unique_ptr<std::pmr::monotonic_buffer_resource> arena =
            std::make_unique<std::pmr::monotonic_buffer_resource>();
        std::unique_ptr<names> all = std::make_unique<names>(
            names::options{.retain = {.bytes = 1 << 20, .entries = 10}, .allocator = arena.get()});
    };
    cache<int, session> sessions;
    handle<session> s = sessions.intern(1, [] { return session(); });
    (void)s->all->intern(7, [] { return std::pmr::string("a text that is longer than sixteen bytes"); });
    s.reset();
    EXPECT_EQ(sessions.statistics().entries, 0U);
}

// A value of one cache drops the owner, which is of another; the owner drops a value of the first cache.
struct owner;
struct in_arena {
    const int* number = nullptr;
    handle<owner> held;
    in_arena() noexcept = default;
    in_arena(in_arena&& other) noexcept
        : number(std::exchange(other.number, nullptr)), held(std::move(other.held)) {}
    ~in_arena() { EXPECT_TRUE(number == nullptr || *number == 42); }
};
struct owner {
    std::unique_ptr<int> arena = std::make_unique<int>(42);
    handle<in_arena> mine;
    owner() = default;
    owner(owner&&) noexcept = default;
    ~owner() {
        if (arena) {
            mine.reset();
            *arena = -1;
        }
    }
};

TEST(values_of_another_cache, end_with_their_owner_inside_of_their_own_cache) {
    cache<int, in_arena> items;
    cache<int, owner> owners;
    handle<owner> o = owners.intern(1, [&] {
        owner fresh;
        fresh.mine = items.intern(1, [&] {
            in_arena item;
            item.number = fresh.arena.get();
            return item;
        });
        return fresh;
    });
    handle<in_arena> outer = items.intern(2, [&] {
        in_arena item;
        item.held = std::move(o);
        return item;
    });
    outer.reset();
    EXPECT_EQ(items.statistics().entries + owners.statistics().entries, 0U);
}

// A value that owns its cache: a new cache may get the address of the old one.
TEST(values_of_another_cache, end_at_once_though_it_has_the_address_of_one_that_went) {
    struct owns {
        std::shared_ptr<cache<int, owns>> home;
        explicit owns(std::shared_ptr<cache<int, owns>> in) : home(std::move(in)) {}
        owns(owns&&) noexcept = default;
        ~owns() {
            if (home) {
                home.reset();
                int ends = 0;
                for (int i = 0; i < 10; ++i) {
                    cache<int, counted> c;
                    c.intern(1, [&] { return counted(ends); }).reset();
                    EXPECT_EQ(ends, i + 1);
                }
            }
        }
    };
    auto home = std::make_shared<cache<int, owns>>();
    handle<owns> last = home->intern(1, [&] { return owns(home); });
    home.reset();
    last.reset();
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
