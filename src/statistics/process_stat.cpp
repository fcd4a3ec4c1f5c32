// SPDX-License-Identifier: Apache-2.0
//
// See process_stat.h.
#include "statistics/process_stat.h"

#include <charconv>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace ibid::shared_statistics {
namespace {

// Numbers of fields, as proc(5) counts them.
constexpr int field_of_state = 3;
constexpr int field_of_parent = 4;
constexpr int field_of_flags = 9;
constexpr int field_of_start_time = 22;

template <class Number>
bool parse(std::string_view text, Number& into) {
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, into);
    return error == std::errc{} && end == last;
}

} // namespace

std::optional<process_stat> parse_process_stat(std::string_view text) {
    const std::size_t name_ends = text.rfind(") ");
    if (name_ends == std::string_view::npos)
        return std::nullopt;
    text.remove_prefix(name_ends + 2);
    process_stat s;
    for (int field = field_of_state; field <= field_of_start_time; ++field) {
        const std::size_t space = text.find(' ');
        if (space == std::string_view::npos)
            return std::nullopt;
        const std::string_view value = text.substr(0, space);
        if ((field == field_of_state && value.size() != 1) ||
            (field == field_of_parent && !parse(value, s.parent)) ||
            (field == field_of_flags && !parse(value, s.flags)) ||
            (field == field_of_start_time && !parse(value, s.start_time)))
            return std::nullopt;
        if (field == field_of_state)
            s.state = value.front();
        text.remove_prefix(space + 1);
    }
    return s;
}

std::optional<process_stat> read_process_stat(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return parse_process_stat(text);
}

} // namespace ibid::shared_statistics
