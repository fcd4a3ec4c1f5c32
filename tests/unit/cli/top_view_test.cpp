// SPDX-License-Identifier: Apache-2.0
//
// What `ibid top` shows after each key.
#include "cli/live/top_view.h"

#include <algorithm>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ibid::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

top_row row(pid_t pid, const char* name, std::uint64_t hits, std::uint64_t saved) {
    top_row r{pid, name, {}};
    r.figures.helped = true;
    statistics& s = r.figures.of[static_cast<std::size_t>(shared_statistics::kind::certificates)];
    s.hits = hits;
    s.bytes_not_parsed = saved;
    return r;
}

const top_picture picture{
    {row(10, "nginx", 5, 100), row(20, "curl", 9, 50), row(30, "nginx", 1, 200), row(101, "python3", 0, 0)},
    {"A remark."}};

std::vector<pid_t> pids(const top_view& v) {
    std::vector<pid_t> all;
    for (const top_row& r : v.shown(picture.rows))
        all.push_back(r.pid);
    return all;
}

bool press(top_view& v, int c) {
    return v.press({happening::was_pressed, c}, 10);
}
bool press(top_view& v, key k) {
    return press(v, static_cast<int>(k));
}

TEST(top_view, the_one_that_saved_most_comes_first) {
    EXPECT_THAT(pids(top_view()), ElementsAre(30, 10, 20, 101));
}

TEST(top_view, a_column_is_chosen_by_keys_or_by_name) {
    top_view v;
    press(v, '>'); // around to the first one
    EXPECT_THAT(pids(v), ElementsAre(10, 20, 30, 101));
    press(v, key::right);
    EXPECT_THAT(pids(v), ElementsAre(20, 10, 30, 101)); // by name, and equal ones by PID
    press(v, 'r');
    EXPECT_THAT(pids(v), ElementsAre(101, 10, 30, 20));
    press(v, 'r');
    EXPECT_TRUE(v.sort_by("hits"));
    EXPECT_THAT(pids(v), ElementsAre(20, 10, 30, 101));
    press(v, '<');
    press(v, key::left);
    press(v, key::left);
    EXPECT_THAT(pids(v), ElementsAre(20, 10, 30, 101)); // by name again
    EXPECT_FALSE(v.sort_by("size"));
    EXPECT_EQ(top_view::columns(), "pid, name, active, retained, hits, misses, rate, saved");
}

TEST(top_view, a_filter_is_typed_kept_and_taken_away) {
    top_view v;
    press(v, '/');
    for (const char c : {'n', 'g', 'q'})
        EXPECT_TRUE(press(v, c)); // q is a letter here
    EXPECT_THAT(pids(v), SizeIs(0));
    press(v, key::erase);
    EXPECT_THAT(pids(v), ElementsAre(30, 10));
    press(v, key::enter);
    EXPECT_THAT(v.lines(picture, 10).back().text, HasSubstr("/ filter: ng"));
    press(v, key::escape);
    EXPECT_THAT(pids(v), SizeIs(4));
    v.filter_by("10");
    EXPECT_THAT(pids(v), ElementsAre(10, 101)); // the start of a PID
}

TEST(top_view, q_and_a_signal_end_it) {
    top_view v;
    EXPECT_FALSE(press(v, 'q'));
    EXPECT_FALSE(v.press({happening::must_end, 0}, 10));
    EXPECT_TRUE(v.press({happening::was_resized, 0}, 10));
    EXPECT_TRUE(v.press({happening::time_is_over, 0}, 10));
}

TEST(top_view, fills_the_screen_and_names_its_keys) {
    top_view v;
    const std::vector<screen_line> lines = v.lines(picture, 10);
    ASSERT_THAT(lines, SizeIs(10));
    EXPECT_THAT(lines[0].text, HasSubstr("NOT PARSED"));
    EXPECT_EQ(lines[0].text.size(), 80U); // as wide as most terminals
    EXPECT_EQ(lines[0].text.substr(lines[0].marked_from, lines[0].marked_to - lines[0].marked_from),
              "NOT PARSED");
    EXPECT_THAT(lines[1].text, HasSubstr("     30 nginx"));
    EXPECT_EQ(lines[5].text, "A remark.");
    EXPECT_THAT(lines[9].text, HasSubstr("q quit  < > sort: saved"));
}

TEST(top_view, scrolls_no_further_than_there_are_processes) {
    top_view v;
    const auto first = [&v] {
        return v.lines(picture, 5)[1].text.substr(0, 7);
    }; // header, two processes, remark, keys
    EXPECT_EQ(first(), "     30");
    press(v, key::down);
    EXPECT_EQ(first(), "     10");
    press(v, key::last);
    EXPECT_EQ(first(), "     20");
    press(v, key::up);
    EXPECT_EQ(first(), "     10");
    press(v, key::page_up);
    EXPECT_EQ(first(), "     30");
    press(v, key::page_up);
    EXPECT_EQ(first(), "     30");
}

TEST(top_view, has_no_figures_of_a_process_that_is_not_helped) {
    top_row r = row(10, "curl", 0, 0);
    r.figures.helped = false;
    EXPECT_EQ(top_view::text_of(r), fmt::format("{:>7} {:<16} {:>7} {:>8} {:>11} {:>9} {:>5} {:>10}", 10,
                                                "curl", "-", "-", "-", "-", "-", "-"));
    r.cache = "routes";
    EXPECT_THAT(top_view::text_of(r), HasSubstr(" 0 "));
}

TEST(top_view, fits_any_screen) {
    top_view v;
    for (int rows = 0; rows < 12; ++rows)
        EXPECT_THAT(v.lines(picture, rows), SizeIs(std::max(rows, 1))) << rows;
}

} // namespace
} // namespace ibid::cli
