// SPDX-License-Identifier: Apache-2.0
//
// Reading the counters of another process.
#include "child.h"
#include "statistics/observe.h"
#include "statistics/process_stat.h"
#include "statistics/shared_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/mman.h>
#include <sys/wait.h>

extern "C" ibid::shared_statistics::process_block ibid_process_block;

namespace ibid::shared_statistics {
namespace {

using ibid::testing::child;
using ::testing::SizeIs;

TEST(observing, a_process_that_does_not_exist_is_said_to_be_missing) {
    child c([] {});
    c.wait_until_done();
    const pid_t gone = c.pid();
    EXPECT_EQ(c.let_go(), 0);
    EXPECT_EQ(read_process(gone).error, read_error::no_such_process);
}

TEST(observing, a_process_without_ibid_is_said_not_to_be_under_it) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::execlp("sleep", "sleep", "60", nullptr);
        ::_exit(1);
    }
    for (int i = 0; i < 500 && read_process(pid).error != read_error::not_under_ibid; ++i)
        ::usleep(10'000);
    EXPECT_EQ(read_process(pid).error, read_error::not_under_ibid);
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
}

TEST(observing, a_process_that_has_not_used_openssl_says_so) {
    child c([] {});
    c.wait_until_done();
    EXPECT_EQ(read_process(c.pid()).error, read_error::not_used);
}

TEST(observing, a_process_is_read_while_it_runs) {
    child c([] {
        row* r = claim("/usr/lib/libcrypto.so.3", "3.0.19");
        (*r)[kind::signatures][0].misses.store(42);
        set_reason(r, "waiting");
    });
    c.wait_until_done();
    const process_result seen = read_process(c.pid());
    ASSERT_EQ(seen.error, read_error::none);
    EXPECT_FALSE(seen.figures.helped);
    EXPECT_EQ(seen.figures.reason, "waiting");
    EXPECT_NE(seen.start_time, 0u);
    EXPECT_EQ(seen.start_time, read_process_stat(c.pid())->start_time);
    EXPECT_EQ(seen.figures[kind::signatures].misses, 42u);
}

TEST(observing, a_process_that_is_left_alone_says_why) {
    child c([] { set_reason("its name is in the list"); });
    c.wait_until_done();
    const process_result seen = read_process(c.pid());
    EXPECT_EQ(seen.error, read_error::not_used);
    EXPECT_TRUE(seen.figures.is_disabled);
    EXPECT_EQ(seen.figures.reason, "its name is in the list");
}

TEST(observing, each_libcrypto_of_a_process_is_read) {
    child c([] {
        (*claim("/one/libcrypto.so.3", "3.0.19"))[kind::certificates][0].hits.store(1);
        row* r = claim("/two/libcrypto.so.3", "3.5.1");
        set_helped(r);
        (*r)[kind::certificates][15].hits.store(2);
    });
    c.wait_until_done();
    const process_figures f = read_process(c.pid()).figures;
    EXPECT_TRUE(f.helped);
    EXPECT_EQ(f[kind::certificates].hits, 3u);
    ASSERT_THAT(f.libcryptos, SizeIs(2));
    EXPECT_EQ(f.libcryptos[0].path, "/one/libcrypto.so.3");
    EXPECT_FALSE(f.libcryptos[0].helped);
    EXPECT_EQ(f.libcryptos[1].version, "3.5.1");
    EXPECT_EQ(f.libcryptos[1].of[0].hits, 2u);
}

TEST(observing, of_processes_in_a_region_each_is_read_by_itself) {
    const region r = region::create();
    const auto counts = [&](std::uint64_t n) {
        return [&r, n] {
            open_at_load(r.place().c_str());
            (*claim("/one", "3"))[kind::certificates][0].hits.store(n);
        };
    };
    child one(counts(1));
    child two(counts(2));
    one.wait_until_done();
    two.wait_until_done();
    EXPECT_EQ(read_process(one.pid()).figures[kind::certificates].hits, 1u);
    EXPECT_EQ(read_process(two.pid()).figures[kind::certificates].hits, 2u);
}

TEST(observing, a_block_without_its_magic_number_is_not_believed) {
    child c([] {
        (void)claim("/one", "3");
        ibid_process_block.magic = 7;
    });
    c.wait_until_done();
    EXPECT_EQ(read_process(c.pid()).error, read_error::not_used);
}

TEST(observing, texts_without_an_end_are_read_to_the_end_of_their_room) {
    child c([] {
        (void)claim("/one", "3");
        for (std::atomic<char>& byte : ibid_process_block.names[0].path)
            byte = 'x';
        for (std::atomic<char>& byte : ibid_process_block.reason)
            byte = 'y';
    });
    c.wait_until_done();
    const process_figures f = read_process(c.pid()).figures;
    EXPECT_EQ(f.reason, std::string(192, 'y'));
    EXPECT_EQ(f.libcryptos.at(0).path, std::string(192, 'x'));
}

} // namespace
} // namespace ibid::shared_statistics
