// SPDX-License-Identifier: Apache-2.0
//
// Replacements for a few functions of <memory>, <algorithm> and <functional>. Reading those headers in each
// translation unit takes half as long as reading all of ibid. <string> also brings std::allocator,
// std::allocator_traits and std::addressof; <string_view> brings std::hash.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>

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

// Applies a member pointer to an object: a data member, or the result of a const member function.
template <class Member, class Object>
[[nodiscard]] constexpr decltype(auto) member_of(Member member, const Object& object) {
    if constexpr (std::is_member_object_pointer_v<Member>) {
        return (object.*member);
    } else {
        return (object.*member)();
    }
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
