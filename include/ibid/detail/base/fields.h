// SPDX-License-Identifier: Apache-2.0
//
// The fields of a class: those that it names in hash_fields(), or all members of an aggregate, found by
// counting how many initializers it takes.
//
// Law: an aggregate is taken apart only if == compares it, and it has no base and at most 16 members (each
// element of an array counts). All of its members are fields, as a defaulted == compares all.
#pragma once

#include "ibid/detail/port/language.h"

#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace ibid {
inline namespace layout_1 {
namespace detail {

// Does not convert to a base, so that a base is not counted as a member.
template <class Of>
struct any_member {
    template <class T>
        requires(!std::is_base_of_v<T, Of> && !std::is_base_of_v<Of, T>)
    operator T() const noexcept; // NOLINT(google-explicit-constructor)
};

template <class T, std::size_t... I>
[[nodiscard]] consteval bool takes(std::index_sequence<I...>) {
    return requires {
        T{((void)I, any_member<T>())...};
    };
}
inline constexpr std::size_t most_members = 16;

// A base comes before all members.
template <class Of>
struct any_base {
    template <class T>
        requires(std::is_base_of_v<T, Of> && !std::is_same_v<T, Of>)
    operator T() const noexcept; // NOLINT(google-explicit-constructor)
};
template <class T>
concept has_base = requires {
    T{any_base<T>()};
};

// How many values initialize it: one for each member, and for each element of a member that is an array. 0:
// not an aggregate, or too many.
template <class T, std::size_t n = most_members>
[[nodiscard]] consteval std::size_t initializers() {
    if constexpr (!std::is_aggregate_v<T> || std::is_array_v<T> || has_base<T> ||
                  takes<T>(std::make_index_sequence<most_members + 1>{})) {
        return 0;
    } else if constexpr (n == 0 || takes<T>(std::make_index_sequence<n>{})) {
        return n;
    } else {
        return initializers<T, n - 1>();
    }
}

// Whether it takes a list of one value after `before` values, and `after` more behind it.
template <class T, std::size_t... Before, std::size_t... After>
[[nodiscard]] consteval bool takes_list(std::index_sequence<Before...>, std::index_sequence<After...>) {
    return requires {
        T{((void)Before, any_member<T>())..., {any_member<T>()}, ((void)After, any_member<T>())...};
    };
}
// How many values the member takes that begins with this one. An array is initialized whole by a list of one
// value; then fewer values fit behind it.
template <class T, std::size_t at, std::size_t after>
[[nodiscard]] consteval std::size_t width() {
    if constexpr (takes_list<T>(std::make_index_sequence<at>{}, std::make_index_sequence<after>{})) {
        return initializers<T>() - at - after;
    } else if constexpr (after == 0) {
        return 1; // a class that such a list does not initialize
    } else {
        return width<T, at, after - 1>();
    }
}
// The number of members from this value on.
template <class T, std::size_t at = 0>
[[nodiscard]] consteval std::size_t members() {
    if constexpr (at >= initializers<T>()) {
        return 0;
    } else {
        return 1 + members<T, at + width<T, at, initializers<T>() - at - 1>()>();
    }
}

template <class T>
concept names_fields = requires(const T& object) {
    object.hash_fields();
};

template <class T>
concept compared = std::is_class_v<T> && requires(const T& a, const T& b) {
    a == b;
};
// All objects are equal: there is nothing to compare, and nothing to hash.
template <class T>
concept stateless = std::is_empty_v<T> && compared<T>;
template <class T>
concept aggregate = compared<T> && members<T>()
!= 0;

// function(member...). A bit-field is passed as a copy, which lives as long as the call: a tuple of
// references would outlive it.
template <std::size_t n, class T, class Function>
constexpr decltype(auto) with_members(const T& o, const Function& function) {
    // clang-format off
    if constexpr (n == 1) { const auto& [a] = o; return function(a); }
    else if constexpr (n == 2) { const auto& [a, b] = o; return function(a, b); }
    else if constexpr (n == 3) { const auto& [a, b, c] = o; return function(a, b, c); }
    else if constexpr (n == 4) { const auto& [a, b, c, d] = o; return function(a, b, c, d); }
    else if constexpr (n == 5) { const auto& [a, b, c, d, e] = o; return function(a, b, c, d, e); }
    else if constexpr (n == 6) { const auto& [a, b, c, d, e, f] = o; return function(a, b, c, d, e, f); }
    else if constexpr (n == 7) { const auto& [a, b, c, d, e, f, g] = o; return function(a, b, c, d, e, f, g); }
    else if constexpr (n == 8) { const auto& [a, b, c, d, e, f, g, h] = o; return function(a, b, c, d, e, f, g, h); }
    else if constexpr (n == 9) { const auto& [a, b, c, d, e, f, g, h, i] = o; return function(a, b, c, d, e, f, g, h, i); }
    else if constexpr (n == 10) { const auto& [a, b, c, d, e, f, g, h, i, j] = o; return function(a, b, c, d, e, f, g, h, i, j); }
    else if constexpr (n == 11) { const auto& [a, b, c, d, e, f, g, h, i, j, k] = o; return function(a, b, c, d, e, f, g, h, i, j, k); }
    else if constexpr (n == 12) { const auto& [a, b, c, d, e, f, g, h, i, j, k, l] = o; return function(a, b, c, d, e, f, g, h, i, j, k, l); }
    else if constexpr (n == 13) { const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = o; return function(a, b, c, d, e, f, g, h, i, j, k, l, m); }
    else if constexpr (n == 14) { const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, p] = o; return function(a, b, c, d, e, f, g, h, i, j, k, l, m, p); }
    else if constexpr (n == 15) { const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, p, q] = o; return function(a, b, c, d, e, f, g, h, i, j, k, l, m, p, q); }
    else { const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, p, q, r] = o; return function(a, b, c, d, e, f, g, h, i, j, k, l, m, p, q, r); }
    // clang-format on
}

template <class T>
inline constexpr bool standard_tuple = false;
template <class... T>
inline constexpr bool standard_tuple<std::tuple<T...>> = true;
template <class A, class B>
inline constexpr bool standard_tuple<std::pair<A, B>> = true;
template <class T, std::size_t n>
inline constexpr bool standard_tuple<std::array<T, n>> = true;
template <class T>
inline constexpr bool standard_array = false;
template <class T, std::size_t n>
inline constexpr bool standard_array<std::array<T, n>> = true;

// f(field...).
template <class T, class Function>
constexpr decltype(auto) with_fields(const T& object, const Function& f) {
    if constexpr (names_fields<T>) {
        using fields = std::remove_cvref_t<decltype(object.hash_fields())>;
        if constexpr (standard_tuple<fields>) {
            return std::apply(f, object.hash_fields());
        } else {
            return f(object.hash_fields());
        }
    } else if constexpr (standard_tuple<T>) {
        return std::apply(f, object);
    } else if constexpr (stateless<T>) {
        return f();
    } else {
        return with_members<members<T>()>(object, f);
    }
}

// The types of the fields.
template <class... T>
struct types {};
struct to_types {
    template <class... T>
    constexpr types<T...> operator()(const T&...) const {
        return {};
    }
};
template <class T>
using field_types = decltype(with_fields(std::declval<const T&>(), to_types()));

} // namespace detail
} // namespace layout_1
} // namespace ibid
