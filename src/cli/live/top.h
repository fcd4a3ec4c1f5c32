// SPDX-License-Identifier: Apache-2.0
//
// `ibid top`: the processes under ibid that this user may examine, and what they saved.
#pragma once

#include <string>

namespace ibid::cli {

struct top_request {
    double interval = 2; // seconds
    bool once = false;
    std::string sort{};   // name of a column; empty: saved
    std::string filter{}; // part of a name, or the start of a PID
    bool json = false;    // one object per line, one line per interval
};

[[nodiscard]] int top(const top_request& request);

} // namespace ibid::cli
