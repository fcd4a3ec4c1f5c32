// SPDX-License-Identifier: Apache-2.0
//
// Untrusted text: control characters are replaced, and ordinary text is preserved.
#include "statistics/printable.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ibid::shared_statistics {
namespace {

TEST(printable, leaves_what_people_write) {
    for (const std::string_view text : {"", "nginx: worker", "Zürich", "株式会社", "\U0001f512", "a\u00a0b"})
        EXPECT_EQ(printable(text), text);
}

TEST(printable, shows_what_a_terminal_obeys_as_a_question_mark) {
    EXPECT_EQ(printable("\x1b[2J"), "?[2J");
    EXPECT_EQ(printable("a\rb\nc\td\x7f"), "a?b?c?d?");
    EXPECT_EQ(printable("\u009b2J"), "?2J");          // CSI in one character
    EXPECT_EQ(printable("a\u202eb\u2066c"), "a?b?c"); // the other direction
    EXPECT_EQ(printable("a\u2028b"), "a?b");
    EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a?b");
}

TEST(printable, shows_each_byte_that_is_no_utf8_as_a_question_mark) {
    EXPECT_EQ(printable("\x9b"
                        "2J"),
              "?2J");
    EXPECT_EQ(printable("\xff\xfe"), "??");
    EXPECT_EQ(printable("\xc0\xaf"), "??");           // "/" in two bytes
    EXPECT_EQ(printable("\xed\xa0\x80"), "???");      // a surrogate
    EXPECT_EQ(printable("\xf4\x90\x80\x80"), "????"); // behind the last character
    EXPECT_EQ(printable("\xe2\x82"), "??");           // cut short
    EXPECT_EQ(printable("\xe2\x82z"), "??z");
}

TEST(printable, every_byte_pair_comes_out_as_something_printable) {
    for (int a = 0; a < 256; ++a) {
        for (int b = 0; b < 256; ++b) {
            const std::string text = printable(std::string{static_cast<char>(a), static_cast<char>(b)});
            ASSERT_EQ(printable(text), text) << a << ' ' << b;
            ASSERT_FALSE(text.empty());
        }
    }
}

} // namespace
} // namespace ibid::shared_statistics
