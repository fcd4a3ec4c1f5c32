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
#include <format>
#include <type_traits>

#include "ibid/detail/base/shown.h"
#include "ibid/handle.h"
#include "ibid/pool.h"

template <class T, class C>
    requires(std::is_default_constructible_v<std::formatter<T, C>>)
struct std::formatter<ibid::handle<T>, C>
    : ibid::detail::formatter_of_value<ibid::handle<T>, std::formatter<T, C>> {};
template <class T, class C>
    requires(std::is_default_constructible_v<std::formatter<T, C>>)
struct std::formatter<ibid::view<T>, C>
    : ibid::detail::formatter_of_value<ibid::view<T>, std::formatter<T, C>> {};
template <class T, class C>
    requires(std::is_default_constructible_v<std::formatter<T, C>>)
struct std::formatter<ibid::loan<T>, C>
    : ibid::detail::formatter_of_value<ibid::loan<T>, std::formatter<T, C>> {};
#endif
