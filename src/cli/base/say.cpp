// SPDX-License-Identifier: Apache-2.0
//
// See say.h.
#include "cli/base/say.h"

#include <unistd.h>

namespace ibid::cli {

void put(std::string_view text) {
    fmt::print("{}", text);
}

// A message that cannot be written ends nothing: fmt::print() would throw.
void complain(std::string_view what, std::string_view advice) {
    std::string text = fmt::format("ibid: {}\n", shared_statistics::printable(what));
    if (!advice.empty())
        text += shared_statistics::printable(advice) + "\n";
    std::fputs(text.c_str(), stderr);
}

void show_progress(std::string_view text) {
    if (::isatty(STDERR_FILENO) == 1)
        std::fputs(fmt::format("\r{:32}{}", text, text.empty() ? "\r" : "").c_str(), stderr);
}

} // namespace ibid::cli
