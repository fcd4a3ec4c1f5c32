// SPDX-License-Identifier: Apache-2.0
//
// Counters of a C++ program's own caches, read from outside.
#include "child.h"
#include "statistics/published_caches.h"

#include <ibid/cache.h>
#include <ibid/published.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <unistd.h>

namespace ibid::shared_statistics {
namespace {

using ibid::testing::child;

// The last one with that name: each call publishes one more.
cache_figures figures_of(pid_t pid, const std::string& name) {
    const std::vector<cache_figures> all = read_caches(pid).all;
    const auto found =
        std::find_if(all.rbegin(), all.rend(), [&](const cache_figures& c) { return c.name == name; });
    return found != all.rend() ? *found : cache_figures{"(none)", {}};
}

std::string one() {
    return "one";
}

TEST(published_caches, are_read_from_outside_with_their_figures) {
    child c([] {
        static auto& names = *new cache<int, std::string>(
            {.retain = {.bytes = 1000, .entries = 10}, .counters = &published_counters("names")});
        static const handle<std::string> held = names.intern(1, one);
        (void)names.intern(1, one);
        (void)names.intern(2, one);
    });
    c.wait_until_done();
    const cache_figures seen = figures_of(c.pid(), "names");
    EXPECT_EQ(seen.of.hits, 1u);
    EXPECT_EQ(seen.of.misses, 2u);
    EXPECT_EQ(seen.of.active, 0u);
    EXPECT_EQ(seen.of.retained, 2u); // the budget retains both, and a handle holds one of them
    EXPECT_EQ(c.let_go(), 0);
}

TEST(published_caches, of_a_child_go_on_from_its_parents_figures) {
    cache<int, std::string> names({.counters = &published_counters("forked")});
    const handle<std::string> held = names.intern(1, one);
    child c([&] { (void)names.intern(1, one); });
    c.wait_until_done();
    EXPECT_EQ(figures_of(c.pid(), "forked").of.hits, 1u);
    EXPECT_EQ(figures_of(::getpid(), "forked").of.hits, 0u);
}

TEST(published_caches, stay_listed_after_their_end_with_nothing_in_them) {
    {
        cache<int, std::string> names({.counters = &published_counters("short")});
        (void)names.intern(1, one);
    }
    const cache_figures seen = figures_of(::getpid(), "short");
    EXPECT_EQ(seen.of.misses, 1u);
    EXPECT_EQ(seen.of.entries, 0u);
}

TEST(published_caches, have_names_that_a_terminal_may_be_given) {
    (void)published_counters("\x1b[2J evil");
    (void)published_counters(std::string(1000, 'x'));
    const std::vector<cache_figures> all = read_caches(::getpid()).all;
    ASSERT_GE(all.size(), 2u);
    EXPECT_EQ(all[all.size() - 2].name.find('\x1b'), std::string::npos);
    EXPECT_EQ(all.back().name, std::string(111, 'x'));
}

TEST(published_caches, of_one_name_are_several) {
    counter_block& a = published_counters("same");
    counter_block& b = published_counters("same");
    EXPECT_NE(&a, &b);
}

TEST(published_caches, of_a_process_that_shows_none_are_none) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::execlp("sleep", "sleep", "60", nullptr);
        ::_exit(1);
    }
    for (int i = 0; i < 500 && !read_caches(pid).all.empty(); ++i)
        ::usleep(10'000);
    EXPECT_TRUE(read_caches(pid).all.empty());
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    EXPECT_TRUE(read_caches(pid).all.empty());
}

TEST(published_caches, in_a_list_without_an_end_are_read_up_to_a_limit) {
    child c([] {
        (void)published_counters("endless");
        auto* const all = detail::process_wide<process::published_caches>::get();
        auto* const first = const_cast<process::published_cache*>(all->first.load());
        first->next = first;
    });
    c.wait_until_done();
    EXPECT_EQ(read_caches(c.pid()).all.size(), 256u);
    EXPECT_TRUE(read_caches(c.pid()).cut);
}

} // namespace
} // namespace ibid::shared_statistics
