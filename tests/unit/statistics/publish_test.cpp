// SPDX-License-Identifier: Apache-2.0
//
// The publishing side of the counters: rows, forks, and programs that have dropped privileges before they
// count. The counters are static memory, so each test counts in a child.
#include "child.h"
#include "statistics/observe.h"
#include "statistics/place.h"
#include "statistics/shared_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>

namespace ibid::shared_statistics {
namespace {

using ibid::testing::child;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Sanitizers make additional system calls.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool sanitized = false;
#endif

constexpr const char* crypto = "/usr/lib/libcrypto.so.3";

void count(row* r, std::uint64_t hits, std::uint64_t inserts = 0, std::uint64_t evictions = 0) {
    counter_stripe& stripe = (*r)[kind::certificates][3];
    stripe.hits.fetch_add(hits, std::memory_order_relaxed);
    stripe.inserts.fetch_add(inserts, std::memory_order_relaxed);
    stripe.evictions.fetch_add(evictions, std::memory_order_relaxed);
}

// What a program under `ibid run --stats` does when it is loaded.
void load(const region& r) {
    open_at_load(r.place().c_str());
}

// Runs `work` in a child. Returns whether it was completed.
bool comes_to_its_end(const std::function<void()>& work) {
    child c(work);
    try {
        c.wait_until_done();
    } catch (const std::exception&) {
        return false;
    }
    return c.let_go() == 0;
}

// Runs `work`, which ends the process itself. Returns its wait status.
int status_of(const std::function<void()>& work) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        work();
        ::_exit(9);
    }
    int status = -1;
    ::waitpid(pid, &status, 0);
    return status;
}

void require(bool condition) {
    if (!condition)
        ::_exit(9);
}

TEST(publishing, a_process_without_a_region_counts_for_itself) {
    EXPECT_TRUE(comes_to_its_end([] {
        open_at_load(nullptr);
        row* r = claim(crypto, "3.0.19");
        require(r != nullptr && sum((*r)[kind::certificates]).hits == 0);
        count(r, 1);
        publish(r);
    }));
}

TEST(publishing, the_same_libcrypto_has_the_same_row_and_another_one_another) {
    EXPECT_TRUE(comes_to_its_end([] {
        row* first = claim(crypto, "3.0.19");
        row* second = claim("/venv/libcrypto-1.so.3", "3.0.19");
        require(first != second && claim(crypto, "3.0.19") == first);
        require(claim(crypto, "3.5.0") != first);
        const std::string long_path(500,
                                    'x'); // the fourth row, with a truncated path; also for all later ones
        row* last = claim(long_path.c_str(), "3");
        require(claim(long_path.c_str(), "3") == last && claim("/fifth", "3") == last);
        require(claim(nullptr, nullptr) == last);
    }));
}

TEST(publishing, errno_stays_and_no_descriptor_is_opened) {
    const region r = region::create();
    EXPECT_TRUE(comes_to_its_end([&] {
        const int next = ::dup(0);
        ::close(next);
        for (const std::string& place : {r.place(), std::string("shm:999999:1"), std::string("rubbish")}) {
            errno = EDOM;
            open_at_load(place.c_str());
            require(errno == EDOM);
        }
        require(::dup(0) == next);
    }));
}

TEST(publishing, what_a_process_counts_is_in_the_sums_of_its_region) {
    const region r = region::create();
    child c([&] {
        load(r);
        row* mine = claim(crypto, "3.0.19");
        set_helped(mine);
        count(mine, 5, 2);
        publish(mine);
        count(mine, 1);
        publish(mine);
    });
    c.wait_until_done();
    const totals t = r.sum_up();
    EXPECT_EQ(t.loaded, 1u);
    EXPECT_EQ(t.processes, 1u);
    EXPECT_EQ(t.helped, 1u);
    EXPECT_EQ(t[kind::certificates].hits, 6u);
    EXPECT_EQ(t[kind::certificates].active, 2u);
    EXPECT_EQ(t[kind::signatures].hits, 0u);
    EXPECT_EQ(t.still_running, std::vector{static_cast<std::uint32_t>(c.pid())});
    c.kill();
    EXPECT_THAT(r.sum_up().still_running, IsEmpty());
    EXPECT_EQ(r.sum_up()[kind::certificates].hits, 6u);
}

TEST(publishing, at_exit_all_is_published) {
    const region r = region::create();
    EXPECT_EQ(status_of([&] {
                  load(r);
                  count(claim(crypto, "3.0.19"), 7);
                  ::exit(0);
              }),
              0);
    EXPECT_EQ(r.sum_up()[kind::certificates].hits, 7u);
}

TEST(publishing, a_second_libcrypto_is_counted_beside_the_first) {
    const region r = region::create();
    for (int i = 0; i < 2; ++i) {
        EXPECT_TRUE(comes_to_its_end([&] {
            load(r);
            row* one = claim(crypto, "3.0.19");
            row* two = claim("/venv/psycopg2_binary.libs/libcrypto.so.3", "3.0.16");
            set_helped(two);
            set_reason(one, "a program's own memory functions");
            count(one, 1);
            count(two, 10);
            publish_all();
        }));
    }
    const totals t = r.sum_up();
    EXPECT_EQ(t.processes, 2u);
    EXPECT_EQ(t.helped, 2u);
    EXPECT_EQ(t.disabled, 2u);
    EXPECT_EQ(t[kind::certificates].hits, 22u);
    ASSERT_THAT(t.libcryptos, SizeIs(2));
    EXPECT_EQ(t.libcryptos[0].path, crypto);
    EXPECT_FALSE(t.libcryptos[0].helped);
    EXPECT_EQ(t.libcryptos[0].reason, "a program's own memory functions");
    EXPECT_EQ(t.libcryptos[1].version, "3.0.16");
    EXPECT_TRUE(t.libcryptos[1].helped);
    EXPECT_EQ(t.libcryptos[1].of[0].hits, 20u);
    EXPECT_EQ(t.libcryptos[1].processes, 2u);
}

TEST(publishing, a_process_in_which_ibid_was_disabled_is_not_helped_any_more) {
    const region r = region::create();
    child first([&] {
        load(r);
        row* mine = claim(crypto, "3.0.19");
        set_helped(mine);
        count(mine, 5);
        publish(mine);
        set_reason(mine, "it wants to be told");
        set_helped(mine); // too late
    });
    first.wait_until_done();
    totals t = r.sum_up();
    EXPECT_EQ(t.processes, 1u);
    EXPECT_EQ(t.helped, 0u);
    EXPECT_EQ(t.disabled, 1u);
    EXPECT_EQ(t.reason, "it wants to be told");
    EXPECT_EQ(t[kind::certificates].hits, 5u);
    EXPECT_FALSE(t.libcryptos.at(0).helped);
    const process_figures f = read_process(first.pid()).figures;
    EXPECT_FALSE(f.helped);
    EXPECT_TRUE(f.is_disabled);

    EXPECT_TRUE(comes_to_its_end([&] {
        load(r);
        row* mine = claim(crypto, "3.0.19");
        set_helped(mine);
        child forked([&] { set_reason(mine, "later"); });
        forked.wait_until_done();
    }));
    t = r.sum_up();
    EXPECT_EQ(t.processes, 3u);
    EXPECT_EQ(t.helped, 1u);
    EXPECT_EQ(t.disabled, 2u);
    EXPECT_EQ(t.reason, "it wants to be told");
    EXPECT_TRUE(t.libcryptos.at(0).helped);
    EXPECT_EQ(t.libcryptos.at(0).disabled, 2u);
}

// The starting process has rights that the program no longer has when it counts.

TEST(publishing, privileges_that_are_dropped_after_loading_are_no_hindrance) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root, to become another user";
    const region r = region::create();
    EXPECT_TRUE(comes_to_its_end([&] {
        load(r);
        require(::setresgid(65534, 65534, 65534) == 0 && ::setresuid(65534, 65534, 65534) == 0);
        row* mine = claim(crypto, "3");
        count(mine, 3);
        publish(mine);
    }));
    EXPECT_EQ(r.sum_up()[kind::certificates].hits, 3u);
}

TEST(publishing, privileges_that_are_dropped_before_loading_are_no_hindrance) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root, to become another user";
    const region r = region::create();
    EXPECT_TRUE(comes_to_its_end([&] {
        require(::setresgid(65534, 65534, 65534) == 0 && ::setresuid(65534, 65534, 65534) == 0);
        load(r);
        row* mine = claim(crypto, "3");
        count(mine, 3);
        publish(mine);
    }));
    EXPECT_EQ(r.sum_up()[kind::certificates].hits, 3u);
}

TEST(publishing, another_pid_namespace_and_root_directory_are_no_hindrance) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root, to make a namespace";
    const region r = region::create();
    EXPECT_TRUE(comes_to_its_end([&] {
        require(::chroot("/sys") == 0 && ::chdir("/") == 0 && ::unshare(CLONE_NEWPID) == 0);
        const pid_t pid = ::fork();
        if (pid == 0) {
            load(r);
            row* mine = claim(crypto, "3");
            count(mine, 3);
            publish(mine);
            ::_exit(0);
        }
        int status = 1;
        require(::waitpid(pid, &status, 0) == pid && status == 0);
    }));
    EXPECT_EQ(r.sum_up()[kind::certificates].hits, 3u);
}

TEST(publishing, another_ipc_namespace_leaves_a_process_uncounted) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root, to make a namespace";
    const region r = region::create();
    EXPECT_TRUE(comes_to_its_end([&] {
        require(::unshare(CLONE_NEWIPC) == 0);
        const region others = region::create(); // perhaps with the same id there
        load(r);
        row* mine = claim(crypto, "3");
        count(mine, 3);
        publish(mine);
        require(others.sum_up().loaded == 0);
    }));
    EXPECT_EQ(r.sum_up().loaded, 0u);
}

TEST(publishing, after_loading_no_system_call_is_made) {
    if (sanitized)
        GTEST_SKIP() << "sanitizers make system calls";
    const region r = region::create();
    EXPECT_EQ(status_of([&] {
                  load(r);
                  // read, write, exit and sigreturn; all others kill.
                  require(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
                  row* mine = claim(crypto, "3.0.19");
                  set_helped(mine);
                  count(mine, 3);
                  publish(mine);
                  set_reason("a reason");
                  ::syscall(SYS_exit, 0);
              }),
              0);
    EXPECT_EQ(r.sum_up()[kind::certificates].hits, 3u);
}

// Forks.

TEST(publishing, a_child_counts_on_at_the_same_address_and_each_event_is_counted_once) {
    const region r = region::create();
    EXPECT_TRUE(comes_to_its_end([&] {
        load(r);
        row* mine = claim(crypto, "3");
        set_helped(mine);
        count(mine, 10, 3);
        publish(mine);
        count(mine, 5); // not published when the child starts: the parent reports it
        child c([&] {
            child grandchild([&] {
                count(mine, 1000, 4, 3);
                publish(mine);
            });
            grandchild.wait_until_done();
            count(mine, 100, 2);
            publish(mine);
            require(sum((*mine)[kind::certificates]).entries ==
                    5); // its copies of the parent's three, and two
        });
        c.wait_until_done();
        require(sum((*mine)[kind::certificates]).hits == 15);
        publish(mine);
    }));
    const totals t = r.sum_up();
    EXPECT_EQ(t.processes, 3u);
    EXPECT_EQ(t.helped, 3u);
    EXPECT_EQ(t.loaded, 1u);
    EXPECT_EQ(t[kind::certificates].hits, 1115u);
    // The parent's three, the child's two, and one more in the grandchild than it inherited.
    EXPECT_EQ(t[kind::certificates].entries, 6u);
}

TEST(publishing, a_child_that_forgets_what_it_inherited_counts_its_own_entries_alone) {
    const region r = region::create();
    EXPECT_TRUE(comes_to_its_end([&] {
        load(r);
        row* mine = claim(crypto, "3");
        count(mine, 10, 4);
        publish(mine);
        child c([&] {
            count_from_here((*mine)[kind::certificates]);
            count(mine, 1, 3);
            publish(mine);
            require(sum((*mine)[kind::certificates]).entries == 3);
        });
        c.wait_until_done();
    }));
    const totals t = r.sum_up();
    EXPECT_EQ(t[kind::certificates].entries, 7u);
    EXPECT_EQ(t[kind::certificates].evictions, 0u);
}

TEST(publishing, a_child_that_counts_nothing_is_no_process_that_used_openssl) {
    const region r = region::create();
    EXPECT_TRUE(comes_to_its_end([&] {
        load(r);
        row* mine = claim(crypto, "3");
        count(mine, 10, 3);
        publish(mine);
        child c([] {});
        require(status_of([] { ::exit(0); }) == 0);
    }));
    EXPECT_EQ(r.sum_up().processes, 1u);
    EXPECT_EQ(r.sum_up()[kind::certificates].hits, 10u);
    EXPECT_EQ(r.sum_up()[kind::certificates].entries, 3u);
}

TEST(publishing, entries_that_a_child_lets_go_do_not_end_in_its_parent) {
    const region r = region::create();
    EXPECT_TRUE(comes_to_its_end([&] {
        load(r);
        row* mine = claim(crypto, "3");
        count(mine, 0, 100);
        publish(mine);
        for (int i = 0; i < 5; ++i) {
            child c([&] {
                count(mine, 0, 0, 100);
                publish(mine);
            });
            require(c.let_go() == 0);
        }
        publish(mine);
    }));
    EXPECT_EQ(r.sum_up()[kind::certificates].entries, 100u);
    EXPECT_EQ(r.sum_up()[kind::certificates].evictions, 500u);
}

// Kilobytes of private dirty memory of the mapping that contains the row.
std::size_t dirty_around(const row* r) {
    std::ifstream all("/proc/self/smaps");
    bool inside = false;
    for (std::string line; std::getline(all, line);) {
        std::size_t dash = 0;
        if (line.find("kB") == std::string::npos && (dash = line.find('-')) != std::string::npos &&
            dash < 17) {
            const auto address = reinterpret_cast<std::uintptr_t>(r);
            inside = std::stoull(line, nullptr, 16) <= address &&
                     address < std::stoull(line.substr(dash + 1), nullptr, 16);
        } else if (inside && line.starts_with("Private_Dirty:")) {
            return std::stoul(line.substr(14));
        }
    }
    return SIZE_MAX;
}

TEST(publishing, a_child_that_counts_gets_one_page_of_its_own_and_one_that_does_not_none) {
    EXPECT_TRUE(comes_to_its_end([&] {
        row* mine = claim(crypto, "3");
        for (counter_block& block : mine->blocks) {
            for (counter_stripe& stripe : block)
                stripe.hits = 1;
        }
        child c([&] {
            (void)dirty_around(mine); // touches the memory that this function needs
            const std::size_t before = dirty_around(mine);
            require(claim(crypto, "3") == mine);
            publish(mine);
            require(dirty_around(mine) == before);
            for (counter_block& block : mine->blocks) {
                for (counter_stripe& stripe : block)
                    stripe.hits += 1;
            }
            publish(mine);
            require(dirty_around(mine) == before + 4);
        });
        c.wait_until_done();
        require(c.let_go() == 0);
    }));
}

// Allows the system calls of a fork, a wait and an exit; all others kill.
void allow_forks_alone() {
    const std::vector<std::uint32_t> allowed{
        SYS_read,  SYS_write, SYS_close,           SYS_exit, SYS_exit_group,
        SYS_clone, SYS_wait4, SYS_set_robust_list, SYS_rseq, SYS_rt_sigprocmask};
    std::vector<sock_filter> code{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    for (const std::uint32_t number : allowed) {
        code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
        code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    }
    code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
    require(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
            ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

TEST(publishing, a_fork_makes_no_system_call_of_ours) {
    if (sanitized)
        GTEST_SKIP() << "sanitizers make system calls";
    const region r = region::create();
    EXPECT_TRUE(comes_to_its_end([&] {
        load(r);
        row* mine = claim(crypto, "3");
        count(mine, 1);
        publish(mine);
        allow_forks_alone();
        const pid_t pid = ::fork();
        if (pid == 0) {
            count(mine, 10);
            publish(mine);
            ::_exit(0);
        }
        int status = 1;
        require(::waitpid(pid, &status, 0) == pid && status == 0);
    }));
    EXPECT_EQ(r.sum_up()[kind::certificates].hits, 11u);
    EXPECT_EQ(r.sum_up().processes, 2u);
}

TEST(publishing, many_processes_at_once_lose_nothing) {
    const region r = region::create();
    std::vector<std::unique_ptr<child>> all;
    for (int i = 0; i < 16; ++i) {
        all.push_back(std::make_unique<child>([&r, i] {
            load(r);
            row* mine = claim(i % 2 == 0 ? crypto : "/another/libcrypto.so.3", "3");
            for (int n = 0; n < 1000; ++n) {
                count(mine, 1);
                publish(mine);
            }
        }));
    }
    for (const auto& c : all)
        c->wait_until_done();
    const totals t = r.sum_up();
    EXPECT_EQ(t.processes, 16u);
    EXPECT_THAT(t.still_running, SizeIs(16));
    EXPECT_EQ(t[kind::certificates].hits, 16000u);
    EXPECT_THAT(t.libcryptos, SizeIs(2));
}

TEST(publishing, more_libcryptos_than_rows_share_the_last) {
    const region r = region::create();
    for (std::size_t i = 0; i < 3 * rows_of_region; ++i) {
        EXPECT_TRUE(comes_to_its_end([&] {
            load(r);
            row* mine = claim(("/libcrypto." + std::to_string(i)).c_str(), "3");
            count(mine, 1);
            publish(mine);
        }));
    }
    const totals t = r.sum_up();
    EXPECT_EQ(t[kind::certificates].hits, 3 * rows_of_region);
    ASSERT_THAT(t.libcryptos, SizeIs(rows_of_region));
    EXPECT_EQ(t.libcryptos.back().path, "");
    EXPECT_EQ(t.libcryptos.back().processes, 2 * rows_of_region + 1);
}

TEST(publishing, a_long_reason_is_cut_and_a_reason_that_is_not_text_is_made_harmless) {
    const region r = region::create();
    EXPECT_TRUE(comes_to_its_end([&] {
        load(r);
        set_reason(std::string(500, 'x').c_str());
    }));
    EXPECT_EQ(r.sum_up().reason, std::string(191, 'x'));
    const region other = region::create();
    EXPECT_TRUE(comes_to_its_end([&] {
        load(other);
        set_reason("red \033[31m\n");
    }));
    EXPECT_EQ(other.sum_up().reason, "red ?[31m?");
}

TEST(publishing, null_is_allowed) {
    set_helped(nullptr);
    set_reason(nullptr, "x");
    publish(nullptr);
}

TEST(publishing, a_place_is_read_as_it_is_written) {
    struct row_of_test {
        const char* text;
        bool good;
    };
    for (const row_of_test& t : std::vector<row_of_test>{{"shm:7:99", true},
                                                         {"shm:7", false},
                                                         {"shm:-1:99", false},
                                                         {"shm:7:99x", false},
                                                         {"shm:7:99999999999999999999999", false},
                                                         {"/proc/77/fd/3", false},
                                                         {"", false}}) {
        place p;
        EXPECT_EQ(parse_place(t.text, p), t.good) << t.text;
    }
}

} // namespace
} // namespace ibid::shared_statistics
