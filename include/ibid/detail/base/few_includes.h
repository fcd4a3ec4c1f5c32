// SPDX-License-Identifier: Apache-2.0
//
// A little of what large headers of the standard library have, for programs that must read these headers in
// each translation unit: <memory>, <algorithm> and <functional> take half as long as all of ibid.
//
// std::allocator, std::allocator_traits and std::addressof come with <string>, which cannot do without them;
// std::hash with <string_view>.
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
