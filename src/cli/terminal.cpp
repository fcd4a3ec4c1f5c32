// SPDX-License-Identifier: Apache-2.0
//
// Colours on standard output.
#include "cli/terminal.h"

#include <cstdlib>

#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli {
namespace {

std::string_view variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

} // namespace

bool has_colours() {
    static const bool has = ::isatty(STDOUT_FILENO) == 1 && variable("NO_COLOR").empty() &&
                            !variable("TERM").empty() && variable("TERM") != "dumb";
    return has;
}

std::string paint(colour c, std::string_view text) {
    if (!has_colours())
        return std::string(text);
    const int code = c == colour::good ? 32 : c == colour::bad ? 31 : c == colour::faint ? 2 : 1;
    return fmt::format("\033[{}m{}\033[0m", code, text);
}

} // namespace ibid::cli
