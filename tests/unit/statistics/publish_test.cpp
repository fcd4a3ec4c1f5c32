// SPDX-License-Identifier: Apache-2.0
//
// The publishing half of the shared counters: slots, forks, full regions.
#include "child.h"
#include "clean_process.h"
#include "statistics/observe.h"
#include "statistics/shared_statistics.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <optional>
#include <vector>

#include <sys/mman.h>

namespace ibid::shared_statistics {
namespace {

using ibid::testing::child;

class publishing : public ibid::testing::clean_process {};

void count(slot* s, std::uint64_t hits, std::uint64_t inserts = 0) {
    counter_stripe& stripe = (*s)[kind::certificates][3];
    stripe.hits.fetch_add(hits, std::memory_order_relaxed);
    stripe.inserts.fetch_add(inserts, std::memory_order_relaxed);
}

std::size_t open_descriptors() {
    std::size_t n = 0;
    if (DIR* d = ::opendir("/proc/self/fd")) {
        while (::readdir(d) != nullptr)
            ++n;
        ::closedir(d);
    }
    return n;
}

TEST_F(publishing, a_process_without_a_path_has_a_private_slot_that_is_running) {
    slot* s = claim(nullptr);
    ASSERT_NE(s, nullptr);
    EXPECT_EQ(s->state.load(), static_cast<std::uint32_t>(slot_state::running));
    EXPECT_EQ(s->pid.load(), static_cast<std::uint32_t>(::getpid()));
    EXPECT_EQ(sum((*s)[kind::certificates]).hits, 0u);
}

TEST_F(publishing, keeps_no_descriptor_open_and_leaves_errno_alone) {
    const region r = region::create(4);
    const std::size_t before = open_descriptors();
    errno = EDOM;
    EXPECT_NE(claim(nullptr), nullptr);
    EXPECT_NE(claim(r.path().c_str()), nullptr);
    EXPECT_NE(claim("/nowhere/at/all"), nullptr);
    EXPECT_EQ(errno, EDOM);
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(publishing, what_a_process_counts_is_in_the_sums_of_its_region) {
    const region r = region::create(4);
    slot* s = claim(r.path().c_str());
    ASSERT_NE(s, nullptr);
    count(s, 5, 2);
    set_helped(s);
    const totals t = r.sum_up();
    EXPECT_EQ(t.processes, 1u);
    EXPECT_EQ(t.helped, 1u);
    EXPECT_EQ(t[kind::certificates].hits, 5u);
    EXPECT_EQ(t[kind::certificates].active, 2u);
    EXPECT_EQ(t[kind::crls].hits, 0u);
    EXPECT_EQ(t.still_running, std::vector{static_cast<std::uint32_t>(::getpid())});
    mark_exited(s);
    EXPECT_TRUE(r.sum_up().still_running.empty());
    EXPECT_EQ(r.sum_up()[kind::certificates].hits, 5u);
}

TEST_F(publishing, a_path_that_is_no_region_falls_back_to_a_private_slot) {
    const int fd = ::memfd_create("something-else", 0);
    ASSERT_EQ(::ftruncate(fd, 1 << 20), 0);
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    slot* s = claim(path.c_str());
    ASSERT_NE(s, nullptr);
    count(s, 1);
    ::close(fd);
}

TEST_F(publishing, a_child_counts_into_its_own_slot_at_the_same_address) {
    const region r = region::create(4);
    slot* s = claim(r.path().c_str());
    count(s, 10, 3);
    set_helped(s);
    child c([s] {
        slot* mine = claim_after_fork(s);
        if (mine != s || mine->pid.load() != static_cast<std::uint32_t>(::getpid()) ||
            mine->helped.load() != 1)
            ::_exit(2);
        count(mine, 100);
    });
    c.wait_until_done();
    // The child began with three entries of its own, no hits, and then counted a hundred.
    EXPECT_EQ(sum((*s)[kind::certificates]).hits, 10u);
    const totals t = r.sum_up();
    EXPECT_EQ(t.processes, 2u);
    EXPECT_EQ(t.helped, 2u);
    EXPECT_EQ(t[kind::certificates].hits, 110u);
    EXPECT_EQ(t[kind::certificates].entries, 6u);
    EXPECT_EQ(t.still_running.size(), 2u);
    EXPECT_EQ(c.let_go(), 0);
}

TEST_F(publishing, a_child_of_a_private_region_does_not_count_for_its_parent) {
    slot* s = claim(nullptr);
    count(s, 10, 3);
    child c([s] {
        slot* mine = claim_after_fork(s);
        if (mine != s || sum((*mine)[kind::certificates]).hits != 0 ||
            sum((*mine)[kind::certificates]).entries != 3)
            ::_exit(2);
        count(mine, 100);
    });
    c.wait_until_done();
    EXPECT_EQ(sum((*s)[kind::certificates]).hits, 10u);
    const process_result seen = read_process(c.pid());
    ASSERT_EQ(seen.error, read_error::none);
    EXPECT_EQ(seen.figures[kind::certificates].hits, 100u);
    EXPECT_EQ(seen.figures.pid, static_cast<std::uint32_t>(c.pid()));
    EXPECT_EQ(c.let_go(), 0);
}

TEST_F(publishing, children_of_children_have_slots_too) {
    const region r = region::create(8);
    slot* s = claim(r.path().c_str());
    child c([s] {
        slot* mine = claim_after_fork(s);
        count(mine, 1);
        child grandchild([mine] { count(claim_after_fork(mine), 10); });
        grandchild.wait_until_done();
    });
    c.wait_until_done();
    EXPECT_EQ(c.let_go(), 0);
    EXPECT_EQ(r.sum_up().processes, 3u);
    EXPECT_EQ(r.sum_up()[kind::certificates].hits, 11u);
}

TEST_F(publishing, a_full_region_refuses_and_counts_the_refusals) {
    const region r = region::create(1);
    const std::string path = r.path();
    child first([&] { count(claim(path.c_str()), 1); });
    first.wait_until_done();
    child second([&] {
        if (claim(path.c_str()) != nullptr)
            ::_exit(2);
    });
    second.wait_until_done();
    EXPECT_EQ(second.let_go(), 0);
    EXPECT_EQ(r.sum_up().processes, 1u);
    EXPECT_EQ(r.sum_up().refused, 1u);
    EXPECT_EQ(first.let_go(), 0);
}

TEST_F(publishing, a_child_without_a_free_slot_counts_for_nobody) {
    const region r = region::create(2);
    const std::string path = r.path();
    child holder([&] { count(claim(path.c_str()), 1); });
    holder.wait_until_done();
    slot* s = claim(path.c_str());
    ASSERT_NE(s, nullptr);
    count(s, 10, 4);
    child c([s] {
        slot* mine = claim_after_fork(s);
        if (mine != s || sum((*mine)[kind::certificates]).entries != 4)
            ::_exit(2);
        count(mine, 1000);
    });
    c.wait_until_done();
    EXPECT_EQ(r.sum_up()[kind::certificates].hits, 11u);
    EXPECT_EQ(read_process(c.pid()).error, read_error::no_slot);
    EXPECT_EQ(c.let_go(), 0);
    EXPECT_EQ(holder.let_go(), 0);
}

TEST_F(publishing, slots_of_ended_processes_are_used_again_and_their_figures_are_kept) {
    const region r = region::create(2);
    const std::string path = r.path();
    for (int i = 0; i < 50; ++i) {
        child c([&] {
            slot* s = claim(path.c_str());
            if (s == nullptr)
                ::_exit(2);
            count(s, 1, 1);
            set_helped(s);
            mark_exited(s);
        });
        c.wait_until_done();
        ASSERT_EQ(c.let_go(), 0);
    }
    const totals t = r.sum_up();
    EXPECT_EQ(t.processes, 50u);
    EXPECT_EQ(t.helped, 50u);
    EXPECT_EQ(t.refused, 0u);
    EXPECT_EQ(t[kind::certificates].hits, 50u);
    EXPECT_EQ(t[kind::certificates].entries, 50u);
}

TEST_F(publishing, a_killed_process_frees_its_slot_though_it_could_not_say_so) {
    const region r = region::create(1);
    const std::string path = r.path();
    for (int i = 0; i < 3; ++i) {
        child c([&] {
            slot* s = claim(path.c_str());
            if (s == nullptr)
                ::_exit(2);
            count(s, 7);
        });
        c.wait_until_done();
        c.kill();
        EXPECT_TRUE(r.sum_up().still_running.empty());
    }
    EXPECT_EQ(r.sum_up()[kind::certificates].hits, 21u);
    EXPECT_EQ(r.sum_up().refused, 0u);
}

TEST_F(publishing, a_process_that_executes_another_program_is_counted_once) {
    const region r = region::create(4);
    slot* before_exec = claim(r.path().c_str());
    count(before_exec, 1);
    slot* after_exec = claim(r.path().c_str());
    ASSERT_NE(after_exec, nullptr);
    ASSERT_NE(after_exec, before_exec);
    count(after_exec, 1);
    EXPECT_EQ(r.sum_up().processes, 1u);
    EXPECT_EQ(r.sum_up().still_running.size(), 1u);
    EXPECT_EQ(r.sum_up()[kind::certificates].hits, 2u);
}

TEST_F(publishing, many_processes_at_once_get_a_slot_each) {
    const region r = region::create(64);
    const std::string path = r.path();
    std::vector<std::unique_ptr<child>> all;
    for (int i = 0; i < 32; ++i)
        all.push_back(std::make_unique<child>([&] { count(claim(path.c_str()), 1); }));
    for (const auto& c : all)
        c->wait_until_done();
    EXPECT_EQ(r.sum_up().processes, 32u);
    EXPECT_EQ(r.sum_up().still_running.size(), 32u);
    EXPECT_EQ(r.sum_up()[kind::certificates].hits, 32u);
}

TEST_F(publishing, a_long_reason_is_cut_and_a_reason_that_is_not_text_is_made_harmless) {
    const region r = region::create(4);
    slot* s = claim(r.path().c_str());
    set_reason(s, std::string(500, 'x').c_str());
    EXPECT_EQ(r.sum_up().reason, std::string(191, 'x'));
    set_reason(s, "red \033[31m\n");
    EXPECT_EQ(r.sum_up().reason, "red ?[31m?");
    set_helped(s);
    EXPECT_EQ(r.sum_up().reason, "");
}

TEST_F(publishing, null_is_allowed_where_counting_was_not_possible) {
    EXPECT_EQ(claim_after_fork(nullptr), nullptr);
    set_helped(nullptr);
    set_reason(nullptr, "x");
    mark_exited(nullptr);
}

} // namespace
} // namespace ibid::shared_statistics
