// SPDX-License-Identifier: Apache-2.0
//
// What `ibid top` shows, and how keys change it. Independent of a terminal, so that a test can press keys.
//
//     top_view v;
//     v.press('>', 20);            // sort by the next column lines = v.lines(rows, 24);
#pragma once

#include "cli/live/screen.h"
#include "statistics/observe.h"

#include <string>
#include <vector>

#include <sys/types.h>

namespace ibid::cli {

struct top_row {
    pid_t pid = 0;
    std::string name{};
    shared_statistics::process_figures figures{};
    std::string
        cache{}; // not empty: this row is a cache of a C++ program, with its figures in the first kind
};

struct top_picture {
    std::vector<top_row> rows{};
    std::vector<std::string> remarks{}; // below the table
};

class top_view {
public:
    // Sorts by a column, named as in --sort ("hits"). False: there is no such column.
    [[nodiscard]] bool sort_by(const std::string& column);
    [[nodiscard]] static std::string columns(); // "pid, name, ..."
    void filter_by(std::string text) { filter_ = std::move(text); }

    // Handles a key, if `rows` rows fit on the screen. False: quit.
    bool press(happening h, std::size_t rows);

    // The rows whose name contains the filter or whose PID begins with it, sorted.
    [[nodiscard]] std::vector<top_row> shown(const std::vector<top_row>& all) const;

    [[nodiscard]] std::string header() const;
    [[nodiscard]] static std::string text_of(const top_row& row);
    // The whole screen.
    [[nodiscard]] std::vector<screen_line> lines(const top_picture& picture, int rows);
    static constexpr std::size_t lines_around = 2; // the header and the keys

private:
    [[nodiscard]] std::string keys() const;

    std::size_t column_ = 7;
    bool reversed_ = false;
    std::string filter_;
    bool types_ = false; // a filter
    std::size_t first_ = 0;
};

} // namespace ibid::cli
