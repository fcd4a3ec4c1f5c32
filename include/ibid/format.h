// SPDX-License-Identifier: Apache-2.0
//
// Handles, views and loans in std::format: each is formatted as its value, by the value's format
// specification, and as `(empty)` without one. Where the standard library has no std::format, this header
// does nothing.
//
//     std::format("{:>8}", ibid::intern<std::string>("ibidem"));     // "  ibidem"
#pragma once

#include <version>

#if defined(__cpp_lib_format)
#include <algorithm>
#include <format>
#include <iterator>
#include <type_traits>

#include "ibid/detail/base/shown.h"
#include "ibid/handle.h"
#include "ibid/pool.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

template <class T, class C>
concept std_formatted = std::is_default_constructible_v<std::formatter<T, C>>;

template <class Reference, class T, class C>
struct std_formatter_of_value : std::formatter<T, C> {
    template <class Context>
    auto format(const Reference& r, Context& context) const -> decltype(context.out()) {
        return r ? std::formatter<T, C>::format(*r, context)
                 : std::copy_n(shown_empty, std::size(shown_empty) - 1, context.out());
    }
};

} // namespace detail
} // namespace layout_1
} // namespace ibid

template <class T, class C>
    requires(ibid::detail::std_formatted<T, C>)
struct std::formatter<ibid::handle<T>, C> : ibid::detail::std_formatter_of_value<ibid::handle<T>, T, C> {};
template <class T, class C>
    requires(ibid::detail::std_formatted<T, C>)
struct std::formatter<ibid::view<T>, C> : ibid::detail::std_formatter_of_value<ibid::view<T>, T, C> {};
template <class T, class C>
    requires(ibid::detail::std_formatted<T, C>)
struct std::formatter<ibid::loan<T>, C> : ibid::detail::std_formatter_of_value<ibid::loan<T>, T, C> {};
#endif
