// SPDX-License-Identifier: Apache-2.0
//
// Built with IBID_ASSERTIONS: which mistakes it detects, and that correct programs see no difference.
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
    EXPECT_EQ(*kept, "a");
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
#endif

} // namespace
} // namespace ibid
