// SPDX-License-Identifier: Apache-2.0
//
// What the command prints for people.
//
// Law: names and values that somebody else chose obey nothing on a terminal and make no lines of their own.
// Each text that is an argument here is made printable, unless it is a legible_text. Nothing else prints.
#pragma once

#include "cli/base/terminal.h"
#include "statistics/printable.h"

#include <cstdio>
#include <string>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>

template <>
struct fmt::formatter<ibid::cli::legible_text> : fmt::formatter<std::string> {
    template <class Context>
    auto format(const ibid::cli::legible_text& t, Context& context) const {
        return fmt::formatter<std::string>::format(t.text, context);
    }
};

namespace ibid::cli {
namespace detail {

template <class T>
using printed = std::conditional_t<std::is_convertible_v<const T&, std::string_view>, std::string, const T&>;

template <class T>
[[nodiscard]] printed<T> made_printable(const T& argument) {
    if constexpr (std::is_convertible_v<const T&, std::string_view>)
        return shared_statistics::printable(argument);
    else
        return argument;
}

} // namespace detail

// To standard output, by fmt's format string.
template <class... T>
void say(std::type_identity_t<fmt::format_string<detail::printed<T>...>> format, const T&... arguments) {
    const auto print = [format](const auto&... printed) {
        fmt::vprint(stdout, format, fmt::make_format_args(printed...));
    };
    print(detail::made_printable(arguments)...);
}

// A text that is legible as a whole: JSON, a table, help.
void put(std::string_view text);

// "ibid: WHAT", and the advice on a line of its own, to standard error.
void complain(std::string_view what, std::string_view advice = {});

// In place of the last such text, if standard error is a terminal. Empty: at the end.
void show_progress(std::string_view text);

} // namespace ibid::cli
