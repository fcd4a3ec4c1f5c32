// SPDX-License-Identifier: Apache-2.0
//
// Replacements for a few functions of <memory>, <algorithm> and <functional>. Reading those headers in each
// translation unit takes half as long as reading all of ibid. <string> also brings std::allocator,
// std::allocator_traits and std::addressof; <string_view> brings std::hash.
#pragma once

#include <string>
#include <string_view>

namespace ibid {
inline namespace layout_1 {
namespace detail {

template <class T>
[[nodiscard]] constexpr T least(T a, T b) noexcept {
    return b < a ? b : a;
}
template <class T>
[[nodiscard]] constexpr T greatest(T a, T b) noexcept {
    return a < b ? b : a;
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
