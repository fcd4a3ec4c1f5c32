// SPDX-License-Identifier: Apache-2.0
//
// Colours on standard output.
#include "cli/base/terminal.h"

#include "statistics/printable.h"

#include <cstdlib>

#include <sys/ioctl.h>
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

std::size_t terminal_width() {
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

legible_text folded(std::string_view any_text, std::size_t column) {
    const std::string printable = shared_statistics::printable(any_text);
    const std::size_t width = terminal_width();
    if (width < column + 30)
        return {printable};
    std::string_view text = printable;
    std::string out;
    const std::size_t room = width - column;
    while (text.size() > room) {
        const std::size_t space = text.rfind(' ', room);
        if (space == std::string_view::npos || space == 0)
            break; // a word that is longer than a line
        out.append(text.substr(0, space)).append(1, '\n').append(column, ' ');
        text.remove_prefix(space + 1);
    }
    return {out.append(text)};
}

legible_text paint(colour c, std::string_view any_text) {
    const std::string text = shared_statistics::printable(any_text);
    if (!has_colours())
        return {text};
    const int code = c == colour::good ? 32 : c == colour::bad ? 31 : c == colour::faint ? 2 : 1;
    return {fmt::format("\033[{}m{}\033[0m", code, text)};
}

} // namespace ibid::cli
