// SPDX-License-Identifier: Apache-2.0
//
// See say.h.
#include "cli/base/say.h"

#include <unistd.h>

namespace ibid::cli {

void put(std::string_view text) {
    fmt::print("{}", text);
}

void complain(std::string_view what, std::string_view advice) {
    fmt::print(stderr, "ibid: {}\n", shared_statistics::printable(what));
    if (!advice.empty())
        fmt::print(stderr, "{}\n", shared_statistics::printable(advice));
}

void show_progress(std::string_view text) {
    if (::isatty(STDERR_FILENO) == 1)
        fmt::print(stderr, "\r{:32}{}", text, text.empty() ? "\r" : "");
}

} // namespace ibid::cli
