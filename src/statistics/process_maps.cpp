// SPDX-License-Identifier: Apache-2.0
//
// See process_maps.h.
#include "statistics/process_maps.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace ibid::shared_statistics {
namespace {

// Takes one word and the space after it.
std::string_view take_word(std::string_view& from) {
    const std::string_view word = from.substr(0, from.find(' '));
    from.remove_prefix(std::min(word.size() + 1, from.size()));
    return word;
}

bool parse(std::string_view text, std::uint64_t& into, int base) {
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, into, base);
    return error == std::errc{} && end == last;
}

} // namespace

std::optional<mapping> parse_mapping(std::string_view line) {
    mapping m;
    m.range = take_word(line);
    m.mode = take_word(line);
    const std::string_view offset = take_word(line);
    const std::string_view device = take_word(line);
    const std::string_view inode = take_word(line);
    const std::size_t dash = m.range.find('-');
    if (dash == std::string_view::npos || !parse(m.range.substr(0, dash), m.start, 16) ||
        !parse(m.range.substr(dash + 1), m.end, 16) || m.mode.size() != 4 || !parse(offset, m.offset, 16) ||
        device.find(':') == std::string_view::npos || !parse(inode, m.inode, 10))
        return std::nullopt;
    m.name = line.substr(std::min(line.find_first_not_of(' '), line.size()));
    return m;
}

mappings::iterator& mappings::iterator::operator++() {
    for (now_.reset(); !now_ && !rest_.empty();) {
        const std::string_view line = rest_.substr(0, rest_.find('\n'));
        rest_.remove_prefix(std::min(line.size() + 1, rest_.size()));
        now_ = parse_mapping(line);
    }
    return *this;
}

} // namespace ibid::shared_statistics
