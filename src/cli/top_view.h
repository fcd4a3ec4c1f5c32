// SPDX-License-Identifier: Apache-2.0
//
// What `ibid top` shows, and how keys change it. No terminal in here, so that a test can press keys.
//
//     top_view v;
//     v.press('>', 20);            // the next column decides the order
//     lines = v.lines(rows, 24);
#pragma once

#include "cli/screen.h"
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
        cache{}; // not empty: of this cache of a C++ program, whose figures stand in the first kind's place
};

struct top_picture {
    std::vector<top_row> rows{};
    std::vector<std::string> remarks{}; // below the table
};

class top_view {
public:
    // By the name of a column, as --sort has it ("hits"). False: there is none.
    [[nodiscard]] bool sort_by(const std::string& column);
    [[nodiscard]] static std::string columns(); // "pid, name, ..."
    void filter_by(std::string text) { filter_ = std::move(text); }

    // A key, where `rows` of processes fit. False: it is to end.
    bool press(happening h, std::size_t rows);

    // Those whose name has the filter in it, or whose PID begins with it; in order.
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
