// SPDX-License-Identifier: Apache-2.0
//
// Built with IBID_ASSERTIONS: which mistakes it detects, and that correct programs see no difference.
#include <array>
#include <memory>
#include <new>
#include <string>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "ibid/pool.h"

namespace ibid {
namespace {

using names = cache<std::string, std::string>;

TEST(assertions, catch_an_empty_handle) {
    const handle<std::string> none;
    EXPECT_DEATH((void)none->size(), "ibid: an empty handle has no value");
    EXPECT_DEATH((void)*none, "ibid: an empty handle has no value");
}

TEST(assertions, catch_an_empty_view) {
    const view<std::string> none;
    EXPECT_DEATH((void)none->size(), "ibid: an empty view has no part");
}

TEST(assertions, catch_an_ended_loan) {
    pool<std::string> strings;
    loan<std::string> l = strings.take();
    l->append("in use");
    l.end();
    EXPECT_DEATH((void)l->size(), "ibid: this loan has ended");
}

TEST(assertions, catch_a_cache_that_was_destroyed) {
    alignas(names) unsigned char memory[sizeof(names)];
    auto* const c = ::new (static_cast<void*>(memory)) names;
    const handle<std::string> kept = c->intern("a", [] { return "a"; });
    c->~names();
    EXPECT_DEATH((void)c->find("a"), "ibid: this cache was destroyed");
    EXPECT_DEATH((void)c->contains("a"), "ibid: this cache was destroyed");
    EXPECT_DEATH((void)c->forget("a"), "ibid: this cache was destroyed");
    EXPECT_DEATH((void)c->size(), "ibid: this cache was destroyed");
    EXPECT_DEATH((void)c->statistics(), "ibid: this cache was destroyed");
    EXPECT_DEATH((void)c->retained(), "ibid: this cache was destroyed");
    EXPECT_DEATH(c->retain({}), "ibid: this cache was destroyed");
    EXPECT_DEATH(c->trim(), "ibid: this cache was destroyed");
    EXPECT_DEATH(c->pin(kept), "ibid: this cache was destroyed");
    EXPECT_DEATH(c->pin(nullptr), "ibid: this cache was destroyed");
    EXPECT_DEATH(c->for_each([](const auto&, const auto&) {}), "ibid: this cache was destroyed");
    EXPECT_DEATH(c->lock_for_fork(), "ibid: this cache was destroyed");
    EXPECT_EQ(*kept, "a");
}

TEST(assertions, catch_a_pool_that_was_destroyed) {
    using lines = pool<std::string>;
    alignas(lines) unsigned char memory[sizeof(lines)];
    auto* const p = ::new (static_cast<void*>(memory)) lines;
    const loan<std::string> kept = p->take();
    p->~lines();
    EXPECT_DEATH((void)p->take(), "ibid: this pool was destroyed");
    EXPECT_DEATH(p->trim(), "ibid: this pool was destroyed");
    EXPECT_DEATH(p->clear(), "ibid: this pool was destroyed");
    EXPECT_DEATH((void)p->statistics(), "ibid: this pool was destroyed");
    EXPECT_EQ(*kept, "");
}

TEST(assertions, catch_a_handle_of_another_cache) {
    names here;
    names other;
    EXPECT_DEATH(here.pin(other.intern("a", [] { return "a"; })), "ibid: this handle is of another cache");
    here.pin(here.intern("a", [] { return "a"; }));
}

TEST(assertions, catch_a_part_of_nothing) {
    const std::string part;
    const handle<std::string> no_handle;
    const view<std::string> no_view;
    EXPECT_DEATH(view<std::string>(no_handle, part), "ibid: an empty handle has no value");
    EXPECT_DEATH(view<std::string>(no_view, part), "ibid: an empty view has no part");
}

TEST(assertions, let_objects_of_a_pool_be_used_again) {
    int resets = 0;
    pool<std::string> strings([] { return std::string(100, 'x'); },
                              [&](std::string& s) { s.clear(), ++resets; });
    for (int i = 0; i < 3; ++i) {
        strings.take()->append("y");
    }
    EXPECT_EQ(resets, 3);
    EXPECT_EQ(strings.statistics().made, 1U);
    strings.clear();
    EXPECT_EQ(strings.statistics().ended, 1U);
}

#if defined(IBID_WATCHES_MEMORY)
TEST(assertions, catch_a_reference_that_is_kept_past_the_loan) {
    pool<std::string> strings;
    loan<std::string> l = strings.take();
    std::string& kept = *l;
    l.end();
    EXPECT_DEATH(kept.append("late"), "use-after-poison");
}

TEST(assertions, catch_a_use_of_each_byte_after_the_loan) {
    pool<char> small;
    loan<char> c = small.take();
    volatile char& kept = *c;
    c.end();
    EXPECT_DEATH(kept = 'x', "use-after-poison");
    pool<std::array<char, 13>> odd;
    loan<std::array<char, 13>> l = odd.take();
    volatile char& last = l->back();
    l.end();
    EXPECT_DEATH(last = 'x', "use-after-poison");
}
#endif

} // namespace
} // namespace ibid
