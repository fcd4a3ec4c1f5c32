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
#include <cstdint>
#include <string>
#include <vector>

#include <link.h>
#include <sys/mman.h>
#include <sys/wait.h>
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

// The ELF header of this program in memory, which its children have a private copy of.
Elf64_Ehdr* own_header() {
    Elf64_Ehdr* found = nullptr;
    const auto of_this_program = [](dl_phdr_info* info, std::size_t, void* into) {
        *static_cast<Elf64_Ehdr**>(into) = reinterpret_cast<Elf64_Ehdr*>(
            reinterpret_cast<std::uintptr_t>(info->dlpi_phdr) - sizeof(Elf64_Ehdr));
        return 1;
    };
    ::dl_iterate_phdr(of_this_program, &found);
    return found;
}

TEST(published_caches, are_not_hidden_by_another_process_that_altered_its_copy_of_the_file) {
    (void)published_counters("seen");
    child altered([] {
        Elf64_Ehdr* const header = own_header();
        const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
        void* const start = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(header) / page * page);
        if (::mprotect(start, page, PROT_READ | PROT_WRITE) == 0)
            header->e_ident[EI_MAG0] = 0;
    });
    altered.wait_until_done();
    // One scan, as the command makes it in a child.
    const pid_t scan = ::fork();
    if (scan == 0)
        ::_exit(read_caches(altered.pid()).all.empty() && !read_caches(::getppid()).all.empty() ? 0 : 1);
    int status = -1;
    ASSERT_EQ(::waitpid(scan, &status, 0), scan);
    EXPECT_EQ(status, 0);
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
