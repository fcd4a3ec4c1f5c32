// SPDX-License-Identifier: Apache-2.0
//
// Parsing /proc/PID/stat.
#include "child.h"
#include "statistics/process_stat.h"

#include <gtest/gtest.h>

#include <string>

#include <sys/prctl.h>
#include <unistd.h>

namespace ibid::shared_statistics {
namespace {

using ibid::testing::child;

constexpr const char* fields = "S 7 76 76 0 -1 4194560 113 0 0 0 0 0 0 0 20 0 1 0 250853 4382720 450 184467";

TEST(process_stat, is_parsed_whatever_the_name_is) {
    for (const char* const name :
         {"sleep", "", "a b", ")", "(", "a) R 1 2 (b", ") Z 9 9 9", "line\nfeed) X 1", " (deleted)"}) {
        const auto s = parse_process_stat("76 (" + std::string(name) + ") " + fields);
        ASSERT_TRUE(s) << name;
        EXPECT_EQ(s->state, 'S') << name;
        EXPECT_EQ(s->parent, 7) << name;
        EXPECT_EQ(s->flags, 4194560u) << name;
        EXPECT_EQ(s->start_time, 250853u) << name;
    }
}

TEST(process_stat, of_another_text_is_nothing) {
    for (const char* const text :
         {"", "76", "76 (sleep)", "76 (sleep) ", "76 (sleep) S 1 2 3", "S 7 76 76 0"})
        EXPECT_FALSE(parse_process_stat(text)) << text;
    std::string text = std::string("76 (sleep) ") + fields;
    EXPECT_FALSE(parse_process_stat(text.substr(0, text.find(" 4382720")))) << "the last field may be cut";
    EXPECT_FALSE(parse_process_stat(text.replace(text.find("250853"), 6, "25x853")));
}

TEST(process_stat, of_a_process_is_read) {
    child c([] { ::prctl(PR_SET_NAME, ") R 1\n( ("); });
    c.wait_until_done();
    const auto s = read_process_stat(c.pid());
    ASSERT_TRUE(s);
    EXPECT_EQ(s->parent, ::getpid());
    EXPECT_GE(s->start_time, read_process_stat(::getpid())->start_time);
    const pid_t gone = c.pid();
    c.let_go();
    EXPECT_FALSE(read_process_stat(gone));
}

} // namespace
} // namespace ibid::shared_statistics
