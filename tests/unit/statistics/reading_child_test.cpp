// SPDX-License-Identifier: Apache-2.0
//
// A child that reads for its parent, and their protocol.
#include "statistics/packed.h"
#include "statistics/reading_child.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

namespace ibid::shared_statistics {
namespace {

using namespace std::chrono_literals;

TEST(reading_child, gives_its_answers_in_order) {
    reading_child c([](reading_child::answers& out) {
        out.send("one");
        out.send(std::string(1'000'000, 'x')); // more than a pipe holds
        out.send("");
    });
    EXPECT_EQ(c.next(10s), "one");
    EXPECT_EQ(c.next(10s), std::string(1'000'000, 'x'));
    EXPECT_EQ(c.next(10s), "");
    EXPECT_FALSE(c.ended_well());
    EXPECT_FALSE(c.next(10s));
    EXPECT_TRUE(c.ended_well());
    EXPECT_FALSE(c.was_late());
}

TEST(reading_child, is_given_up_when_it_is_late) {
    const auto begin = reading_child::clock::now();
    {
        reading_child c([](reading_child::answers& out) {
            out.send("one");
            for (;;)
                ::pause();
        });
        EXPECT_EQ(c.next(10s), "one");
        EXPECT_FALSE(c.next(50ms));
        EXPECT_TRUE(c.was_late());
        EXPECT_FALSE(c.next(10s)) << "nothing comes any more";
    }
    EXPECT_LT(reading_child::clock::now() - begin, 5s);
    for (int i = 0; i < 500 && reading_child::left_behind() != 0; ++i)
        ::usleep(10'000);
    EXPECT_EQ(reading_child::left_behind(), 0U);
}

TEST(reading_child, that_works_is_waited_for_longer_than_one_that_waits) {
    reading_child c([](reading_child::answers& out) {
        for (const auto end = reading_child::clock::now() + 300ms; reading_child::clock::now() < end;) {
        }
        out.send("one");
        for (;;) {
        }
    });
    EXPECT_EQ(c.next(100ms), "one");
    const auto begin = reading_child::clock::now();
    EXPECT_FALSE(c.next(100ms)) << "but not for ever";
    EXPECT_TRUE(c.was_late());
    EXPECT_LT(reading_child::clock::now() - begin, 5s);
}

TEST(reading_child, that_dies_has_not_ended_well) {
    reading_child c([](reading_child::answers&) { ::raise(SIGKILL); });
    EXPECT_FALSE(c.next(10s));
    EXPECT_FALSE(c.was_late());
    EXPECT_FALSE(c.ended_well());
    reading_child thrown([](reading_child::answers&) { throw 1; });
    EXPECT_FALSE(thrown.next(10s));
    EXPECT_FALSE(thrown.ended_well());
}

TEST(reading_child, has_none_of_the_parents_descriptors) {
    const int low = ::open("/dev/null", O_RDONLY);
    const int high = ::fcntl(low, F_DUPFD, 500);
    reading_child c([=](reading_child::answers& out) {
        for (const int fd : {low, high})
            out.send(::fcntl(fd, F_GETFD) < 0 && errno == EBADF ? "closed" : "open");
    });
    EXPECT_EQ(c.next(10s), "closed");
    EXPECT_EQ(c.next(10s), "closed");
    ::close(low);
    ::close(high);
}

TEST(reading_child, reads_a_file_of_proc) {
    EXPECT_EQ(read_in_time("/proc/self/nothing"), std::nullopt);
    const auto maps = read_in_time("/proc/self/maps");
    ASSERT_TRUE(maps);
    EXPECT_THAT(*maps, ::testing::HasSubstr("shared_statistics_test"));
}

TEST(packed, what_is_cut_off_is_empty_from_there_on) {
    pack out;
    out << 7 << std::string("text") << 9L;
    for (std::size_t n = 0; n <= out.bytes().size(); ++n) {
        unpack in(std::string_view(out.bytes()).substr(0, n));
        int a = 0;
        std::string b;
        long c = 0;
        in >> a >> b >> c;
        EXPECT_EQ(in.whole(), n == out.bytes().size()) << n;
        EXPECT_EQ(c, in.whole() ? 9 : 0);
        EXPECT_TRUE(b.empty() || b == "text");
    }
}

} // namespace
} // namespace ibid::shared_statistics
