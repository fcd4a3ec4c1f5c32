// SPDX-License-Identifier: Apache-2.0
//
// See ports.h.
#include "cli/measure/ports.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string>

namespace ibid::cli::measure {
namespace {

// Takes a word off the front of `line`.
std::string_view take_word(std::string_view& line) {
    line.remove_prefix(std::min(line.size(), line.find_first_not_of(' ')));
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(word.size());
    return word;
}

} // namespace

port_state port_in(std::string_view table, unsigned port) {
    port_state found;
    while (!table.empty()) {
        // "   0: 0100007F:46A0 00000000:0000 0A ...": number, local address, remote address, state
        std::string_view line = table.substr(0, table.find('\n'));
        table.remove_prefix(std::min(table.size(), line.size() + 1));
        take_word(line);
        const std::string_view local = take_word(line);
        take_word(line);
        const std::string_view state = take_word(line);
        const std::size_t colon = local.rfind(':');
        unsigned number = 0;
        if (colon == std::string_view::npos ||
            std::from_chars(local.data() + colon + 1, local.data() + local.size(), number, 16).ec !=
                std::errc{} ||
            number != port)
            continue;
        found.listens |= state == "0A";
        found.connections += state == "01" ? 1 : 0;
    }
    return found;
}

port_state look_at_port(unsigned port) {
    port_state all;
    for (const char* const path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ifstream file(path);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        const port_state one = port_in(text, port);
        all.listens |= one.listens;
        all.connections += one.connections;
    }
    return all;
}

} // namespace ibid::cli::measure
