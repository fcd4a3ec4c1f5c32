// SPDX-License-Identifier: Apache-2.0
//
// Reading the counters of another process.
#include "child.h"
#include "clean_process.h"
#include "statistics/observe.h"
#include "statistics/shared_statistics.h"

#include <gtest/gtest.h>

#include <sys/mman.h>

namespace ibid::shared_statistics {
namespace {

using ibid::testing::child;

class observing : public ibid::testing::clean_process {};

TEST_F(observing, a_process_that_does_not_exist_is_said_to_be_missing) {
    child c([] {});
    c.wait_until_done();
    const pid_t gone = c.pid();
    EXPECT_EQ(c.let_go(), 0);
    EXPECT_EQ(read_process(gone).error, read_error::no_such_process);
}

TEST_F(observing, a_process_without_counters_is_said_not_to_be_under_ibid) {
    EXPECT_EQ(read_process(::getppid()).error, read_error::not_under_ibid);
}

TEST_F(observing, a_process_with_private_counters_is_read_while_it_runs) {
    child c([] {
        slot* s = claim(nullptr);
        (*s)[kind::crls][0].misses.store(42);
        set_reason(s, "waiting");
    });
    c.wait_until_done();
    const process_result seen = read_process(c.pid());
    ASSERT_EQ(seen.error, read_error::none);
    EXPECT_TRUE(seen.figures.running);
    EXPECT_FALSE(seen.figures.helped);
    EXPECT_EQ(seen.figures.reason, "waiting");
    EXPECT_EQ(seen.figures[kind::crls].misses, 42u);
}

TEST_F(observing, of_a_shared_region_the_slot_of_that_process_is_read) {
    const region r = region::create(8);
    const std::string path = r.path();
    const auto counts = [&](std::uint64_t n) {
        return [&path, n] { (*claim(path.c_str()))[kind::certificates][0].hits.store(n); };
    };
    child one(counts(1));
    child two(counts(2));
    one.wait_until_done();
    two.wait_until_done();
    EXPECT_EQ(read_process(one.pid()).figures[kind::certificates].hits, 1u);
    EXPECT_EQ(read_process(two.pid()).figures[kind::certificates].hits, 2u);
}

TEST_F(observing, a_region_of_another_version_is_not_guessed_at) {
    child c([] {
        const int fd = ::memfd_create(mapping_name, 0);
        if (::ftruncate(fd, 2 * minimum_stride) != 0)
            ::_exit(2);
        auto* h = static_cast<head*>(
            ::mmap(nullptr, 2 * minimum_stride, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
        h->magic = magic_number;
        h->version = layout_version + 1;
        h->stride = minimum_stride;
        h->capacity = 1;
    });
    c.wait_until_done();
    EXPECT_EQ(read_process(c.pid()).error, read_error::unknown_version);
}

TEST_F(observing, a_mapping_that_only_has_the_name_is_not_believed) {
    child c([] {
        const int fd = ::memfd_create(mapping_name, 0);
        if (::ftruncate(fd, 4096) != 0 ||
            ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED)
            ::_exit(2);
    });
    c.wait_until_done();
    EXPECT_EQ(read_process(c.pid()).error, read_error::not_under_ibid);
}

} // namespace
} // namespace ibid::shared_statistics
