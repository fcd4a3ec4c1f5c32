// SPDX-License-Identifier: Apache-2.0
//
// Handles, views and loans in {fmt}: each is formatted as its value, by the value's format specification, and
// as `(empty)` without one. Needs {fmt} 9 or newer, which ibid itself does not.
//
//     fmt::format("{:>8}", ibid::intern<std::string>("ibidem"));     // "  ibidem"
#pragma once

#include <type_traits>

#include <fmt/format.h>

#include "ibid/detail/base/shown.h"
#include "ibid/handle.h"
#include "ibid/pool.h"

// A handle by its value's format.
template <class T, class C>
    requires(std::is_default_constructible_v<fmt::formatter<T, C>>)
struct fmt::formatter<ibid::handle<T>, C>
    : ibid::detail::formatter_of_value<ibid::handle<T>, fmt::formatter<T, C>> {};
// A view by its part's format.
template <class T, class C>
    requires(std::is_default_constructible_v<fmt::formatter<T, C>>)
struct fmt::formatter<ibid::view<T>, C>
    : ibid::detail::formatter_of_value<ibid::view<T>, fmt::formatter<T, C>> {};
// A loan by its object's format.
template <class T, class C>
    requires(std::is_default_constructible_v<fmt::formatter<T, C>>)
struct fmt::formatter<ibid::loan<T>, C>
    : ibid::detail::formatter_of_value<ibid::loan<T>, fmt::formatter<T, C>> {};
