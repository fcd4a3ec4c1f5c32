// SPDX-License-Identifier: Apache-2.0
//
// What a token is, before any collection.
#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "collected.h"
#include "ibid/cache.h"
#include "ibid/gc.h"
#include "ibid/intern.h"

namespace {

using ibid_test::elsewhere;

using names = ibid::cache<std::string, std::string>;
using name = ibid::gc::active<std::string>;

static_assert(sizeof(name) == sizeof(void*));
static_assert(std::is_nothrow_copy_constructible_v<name> && std::is_nothrow_copy_assignable_v<name>);
static_assert(
    !std::is_constructible_v<name, const ibid::handle<std::string>&>); // it takes a handle, or a copy of one

name intern(names& c, const std::string& key) {
    return ibid::gc::intern(c, key, [&] { return "value of " + key; });
}

TEST(active, gives_the_value_that_its_handle_had) {
    names c;
    const ibid::handle<std::string> h = c.intern("k", [] { return "v"; });
    const name a = ibid::gc::make_active(h);
    EXPECT_EQ(a.get(), h.get());
    EXPECT_EQ(&*a, h.get());
    EXPECT_EQ(a->size(), 1u);
    EXPECT_TRUE(a);
}

TEST(active, comes_from_any_cache_in_one_call) {
    names c;
    EXPECT_EQ(*intern(c, "k"), "value of k");
    const name canonical = ibid::gc::make_active(ibid::intern(std::string("x")));
    EXPECT_EQ(*canonical, "x");
}

TEST(active, of_one_key_shares_one_value_with_every_other) {
    names c;
    const name a = intern(c, "k");
    const name b = intern(c, "k");
    EXPECT_FALSE(a == b);
    EXPECT_EQ(a.get(), b.get());
    EXPECT_EQ(c.statistics().entries, 1u);
}

TEST(active, copied_is_the_same_token) {
    names c;
    const name a = intern(c, "k");
    const name b = a;
    EXPECT_TRUE(a == b);
    EXPECT_TRUE(a.release());
    EXPECT_FALSE(b);
    EXPECT_THROW((void)*b, ibid::gc::released);
}

TEST(active, of_nothing_is_empty_and_says_so_when_it_is_used) {
    const name a;
    const name b = nullptr;
    const name c = ibid::gc::make_active(ibid::handle<std::string>());
    for (const name& x : {a, b, c}) {
        EXPECT_FALSE(x);
        EXPECT_FALSE(x.release());
        EXPECT_THROW((void)x.get(), ibid::gc::released);
        EXPECT_THROW((void)x.hold(), ibid::gc::released);
        EXPECT_THROW((void)x->size(), ibid::gc::released);
    }
    EXPECT_TRUE(a == c);
}

TEST(active, released_ends_the_entry_at_once) {
    names c;
    const name a = intern(c, "k");
    EXPECT_TRUE(a.release());
    EXPECT_EQ(c.statistics().entries, 0u);
}

TEST(active, releases_once) {
    names c;
    const ibid::handle<std::string> h = c.intern("k", [] { return "v"; });
    const name a = ibid::gc::make_active(h);
    EXPECT_TRUE(a.release());
    EXPECT_FALSE(a.release());
    EXPECT_EQ(*h, "v");
    EXPECT_EQ(c.statistics().entries, 1u);
}

TEST(active, used_after_release_is_a_clear_error) {
    names c;
    const name a = intern(c, "k");
    a.release();
    EXPECT_FALSE(a);
    EXPECT_THROW((void)*a, ibid::gc::released);
    EXPECT_THROW((void)a->size(), ibid::gc::released);
    EXPECT_THROW((void)a.get(), ibid::gc::released);
    EXPECT_THROW((void)a.hold(), ibid::gc::released);
    try {
        (void)*a;
    } catch (const std::logic_error& e) {
        EXPECT_STREQ(e.what(), "ibid: this token was released, or the collector has found it unreachable");
    }
}

TEST(active, dropped_early_does_no_harm_to_others) {
    names c;
    const name a = intern(c, "k");
    const name b = intern(c, "k");
    const ibid::handle<std::string> h = a.hold();
    a.release();
    EXPECT_EQ(*b, "value of k");
    b.release();
    EXPECT_EQ(*h, "value of k");
    EXPECT_EQ(c.find("k"), h);
}

TEST(active, outlives_its_cache) {
    auto c = std::make_unique<names>();
    const name a = intern(*c, "k");
    c.reset();
    EXPECT_EQ(*a, "value of k");
}

TEST(active, gives_a_handle_that_lives_by_itself) {
    names c;
    const name a = intern(c, "k");
    ibid::handle<std::string> h = a.hold();
    a.release();
    EXPECT_EQ(c.statistics().entries, 1u);
    h.reset();
    EXPECT_EQ(c.statistics().entries, 0u);
}

TEST(active, passes_on_what_make_throws) {
    names c;
    EXPECT_THROW((void)ibid::gc::intern(c, "k", []() -> std::string { throw std::runtime_error("no"); }),
                 std::runtime_error);
    EXPECT_EQ(c.statistics().entries, 0u);
}

TEST(active, may_be_made_of_a_handle_that_stays) {
    names c;
    ibid::handle<std::string> h = c.intern("k", [] { return "v"; });
    const name a = ibid::gc::make_active(h);
    h.reset();
    EXPECT_EQ(*a, "v");
}

TEST(token, is_refused_on_a_thread_that_the_collector_does_not_know) {
    ibid::gc::start();
    names c;
    ibid::handle<std::string> h = c.intern("k", [] { return "v"; });
    std::thread([&] {
        EXPECT_THROW(name(std::move(h)), ibid::gc::unregistered_thread);
        EXPECT_TRUE(h) << "the owner keeps what it had"; // NOLINT(bugprone-use-after-move)
    }).join();
    EXPECT_EQ(c.statistics().entries, 1u);
}

TEST(token, is_refused_on_a_thread_that_the_collector_no_longer_knows) {
    ibid::gc::start();
    names c;
    std::thread([&] {
        {
            const ibid::gc::thread known;
            EXPECT_TRUE(intern(c, "k").release());
        }
        EXPECT_THROW((void)intern(c, "k"), ibid::gc::unregistered_thread);
        const ibid::gc::thread known_again;
        EXPECT_TRUE(intern(c, "k").release());
    }).join();
    EXPECT_EQ(c.statistics().entries, 0u);
}

TEST(token, may_be_released_by_a_thread_that_the_collector_does_not_know) {
    names c;
    const name a = intern(c, "k");
    std::thread([&] { EXPECT_TRUE(a.release()); }).join();
    EXPECT_EQ(c.statistics().entries, 0u);
}

TEST(thread, registers_itself_once_however_often_it_is_asked) {
    std::thread([&] {
        const ibid::gc::thread outer;
        { const ibid::gc::thread inner; }
        EXPECT_NE(GC_thread_is_registered(), 0);
    }).join();
    const ibid::gc::thread main_is_known_already;
    EXPECT_NE(GC_thread_is_registered(), 0);
}

// Destroyed after the page of slots that the thread used.
struct late_user {
    names* cache = nullptr;
    ~late_user() {
        if (cache != nullptr) {
            const ibid::gc::thread known;
            EXPECT_EQ(*intern(*cache, "late"), "value of late");
        }
    }
};
thread_local late_user user_of_the_last_moment;

TEST(token, may_be_made_by_any_thread_local_destructor) {
    names c;
    elsewhere([&] {
        user_of_the_last_moment.cache = &c; // constructed first, destroyed last
        EXPECT_TRUE(intern(c, "early"));
    });
    EXPECT_EQ(c.statistics().misses, 2u);
}

struct counted_thing {
    int count = 1;
};
struct uncount {
    void operator()(counted_thing* t) const noexcept { --t->count; }
};

TEST(token, keeps_what_somebody_else_counts) {
    counted_thing thing;
    {
        const ibid::gc::token t{std::unique_ptr<counted_thing, uncount>(&thing)};
        static_assert(
            std::is_same_v<decltype(t), const ibid::gc::token<std::unique_ptr<counted_thing, uncount>>>);
        EXPECT_EQ(t.get(), &thing);
        EXPECT_EQ(t->count, 1);
        EXPECT_TRUE(t.release());
    }
    EXPECT_EQ(thing.count, 0);
}

} // namespace
