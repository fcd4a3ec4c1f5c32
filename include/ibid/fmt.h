// SPDX-License-Identifier: Apache-2.0
//
// Handles, views and loans in {fmt}: each is formatted as its value, by the value's format specification, and
// as `(empty)` without one. Needs {fmt} 9 or newer, which ibid itself does not.
//
//     fmt::format("{:>8}", ibid::intern<std::string>("ibidem"));     // "  ibidem"
#pragma once

#include <algorithm>
#include <iterator>
#include <type_traits>

#include <fmt/format.h>

#include "ibid/detail/base/shown.h"
#include "ibid/handle.h"
#include "ibid/pool.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

template <class T, class C>
concept fmt_formatted = std::is_default_constructible_v<fmt::formatter<T, C>>;

template <class Reference, class T, class C>
struct fmt_formatter_of_value : fmt::formatter<T, C> {
    template <class Context>
    auto format(const Reference& r, Context& context) const -> decltype(context.out()) {
        return r ? fmt::formatter<T, C>::format(*r, context)
                 : std::copy_n(shown_empty, std::size(shown_empty) - 1, context.out());
    }
};

} // namespace detail
} // namespace layout_1
} // namespace ibid

// A handle by its value's format.
template <class T, class C>
    requires(ibid::detail::fmt_formatted<T, C>)
struct fmt::formatter<ibid::handle<T>, C> : ibid::detail::fmt_formatter_of_value<ibid::handle<T>, T, C> {};
// A view by its part's format.
template <class T, class C>
    requires(ibid::detail::fmt_formatted<T, C>)
struct fmt::formatter<ibid::view<T>, C> : ibid::detail::fmt_formatter_of_value<ibid::view<T>, T, C> {};
// A loan by its object's format.
template <class T, class C>
    requires(ibid::detail::fmt_formatted<T, C>)
struct fmt::formatter<ibid::loan<T>, C> : ibid::detail::fmt_formatter_of_value<ibid::loan<T>, T, C> {};
