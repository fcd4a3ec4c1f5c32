// SPDX-License-Identifier: Apache-2.0
//
// What a cache requires of its keys, of lookup arguments, and of `make`.
//
// Law: a lookup that compiles looks up the value that was written. A lookup whose argument would change its
// value by conversion (300 as a char, 1.5 as an int, 7 as a vector of seven zeros) does not compile, nor does
// a `make` whose result loses digits (1.5 for an int). Nor does a key with a view in it.
#pragma once

#include <concepts>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <span> // and enable_view
#include <tuple>
#include <type_traits>
#include <utility>

#include "ibid/hash.h"

namespace ibid {
inline namespace layout_1 {

namespace detail {

template <class T>
concept number = std::is_arithmetic_v<T> || std::is_enum_v<T>;

template <class T>
using number_of =
    typename std::conditional_t<std::is_enum_v<T>, std::underlying_type<T>, std::type_identity<T>>::type;

// The language's own test: a list does not narrow its elements, nor the arguments of constructors and the
// results of conversion functions.
template <class From, class To>
concept element_of = requires(const From& from, void (&take)(To (&&)[1])) {
    take({from});
};
template <class From, class To>
concept initializes = requires(const From& from) {
    To{from};
};

template <number From, number To>
[[nodiscard]] consteval bool keeps_number() {
    using from = std::numeric_limits<number_of<From>>;
    using to = std::numeric_limits<number_of<To>>;
    return (from::is_integer || !to::is_integer) && from::digits <= to::digits &&
           (to::is_signed || !from::is_signed);
}

template <class From, class To>
[[nodiscard]] consteval bool keeps();

// Every value of From is a value of To, if one converts to the other.
template <class From, class To>
inline constexpr bool keeps_every_value = keeps<From, To>();

// Standard templates of numbers, and of other types, convert when their parts do.
template <class From, class To>
inline constexpr bool keeps_parts = true;
template <template <class...> class Of, class... From, class... To>
    requires(sizeof...(From) == sizeof...(To))
inline constexpr bool keeps_parts<Of<From...>, Of<To...>> =
    (keeps_every_value<std::remove_cvref_t<From>, std::remove_cvref_t<To>> && ...);
template <class A, class B, class C, class D>
inline constexpr bool keeps_parts<std::pair<A, B>, std::tuple<C, D>> =
    keeps_parts<std::tuple<A, B>, std::tuple<C, D>>;
// A value that becomes an optional or a tuple.
template <class From, class To>
    requires(!is_optional<From>)
inline constexpr bool keeps_parts<From, std::optional<To>> = keeps_every_value<From, std::remove_cv_t<To>>;
template <class From, class To>
    requires(!standard_tuple<From>)
inline constexpr bool keeps_parts<From, std::tuple<To>> = keeps_every_value<From, std::remove_cvref_t<To>>;

template <class From, class To>
[[nodiscard]] consteval bool keeps() {
    // The order decides.
    if constexpr (std::is_same_v<From, To>) { // NOLINT(bugprone-branch-clone)
        return true;
    } else if constexpr (number<From> && number<To>) {
        return keeps_number<From, To>();
    } else if constexpr ((std::is_same_v<To, bool> && !std::is_class_v<From>) ||
                         (std::is_null_pointer_v<From> && text<To>)) {
        return false; // whether a pointer is null; the constructor of a string reads at the pointer
    } else if constexpr ((byte_range<To> && !number<From>) || !std::is_convertible_v<const From&, To>) {
        return true; // compared as ranges, or refused for another reason
    } else if constexpr (number<To>) {
        return element_of<From, To>;
    } else if constexpr (number<From>) {
        return keeps_parts<From, To> &&
               (initializes<From, To> || (keeps_every_value<From, double> && initializes<double, To>));
    } else {
        return keeps_parts<From, To>;
    }
}

// The default hash reports by itself, when it is called, that it cannot hash a key.
template <class Hash>
inline constexpr bool can_hash = true;
template <class Key>
inline constexpr bool can_hash<hash<Key>> = how_hashed<Key>() != hashed::no;

template <class Hash, class K>
concept hashes = can_hash<Hash> && requires(const Hash& hash, const K& k) {
    { hash(k) } -> std::convertible_to<std::uint64_t>;
};
template <class Equal, class Key, class K>
concept compares = requires(const Equal& equal, const Key& key, const K& k) {
    { equal(key, k) } -> std::convertible_to<bool>;
};

// The overloads of a user's hash say what it takes. The default hash hashes ranges of bytes as they are, and
// converts everything else to a Key first.
template <class Hash>
inline constexpr bool takes_other_keys = true;
template <class Key>
inline constexpr bool takes_other_keys<hash<Key>> = false;

// Elements of one size with the same bytes have the same value: bytes and characters, whichever type they
// have, the same type, or numbers that convert in both directions.
template <class A, class B>
inline constexpr bool
    same_by_bytes = sizeof(A) == sizeof(B) &&
                    (std::is_same_v<A, B> || sizeof(A) == 1 ||
                     (number<A> && number<B> && keeps_every_value<A, B> && keeps_every_value<B, A>) ||
                     (std::is_pointer_v<A> && std::is_pointer_v<B> && std::is_convertible_v<A, const void*> &&
                      (std::is_convertible_v<A, B> || std::is_convertible_v<B, A>)));

template <class Key, class K>
inline constexpr bool known_by_their_bytes = false;
// (A class that only converts to text may have more to compare.)
template <byte_range Key, byte_range K>
    requires(standard_string<Key> || contiguous<Key>)
inline constexpr bool known_by_their_bytes<Key, K> =
    same_by_bytes<element_in_bytes<Key>, element_in_bytes<K>>;

// A Key of what it was looked up by, on a miss.
template <class Key, class K>
concept made_of_bytes = known_by_their_bytes<Key, K> && requires(const element_in_bytes<Key>* p) {
    Key(p, p);
};
template <class Key, class K>
concept made_of_elements = std::is_class_v<K> && requires(const K& k) {
    Key(std::begin(k), std::end(k));
};
template <class Key, class K>
concept key_from =
    std::is_constructible_v<Key, const K&> || made_of_bytes<Key, K> || made_of_elements<Key, K>;

template <class Key, class K>
    requires key_from<Key, K>
[[nodiscard]] Key make_key(const K& k) {
    if constexpr (std::is_constructible_v<Key, const K&>) {
        return Key(k);
    } else if constexpr (!made_of_bytes<Key, K>) {
        return Key(std::begin(k), std::end(k));
    } else if constexpr (sizeof(element_in_bytes<Key>) == 1) {
        const std::span<const std::byte> bytes = bytes_of(k);
        const auto* const first = reinterpret_cast<const element_in_bytes<Key>*>(bytes.data());
        return Key(first, first + bytes.size());
    } else {
        const auto* const first = std::data(k);
        return Key(first, first + bytes_of(k).size() / sizeof *first); // a literal without its final zero
    }
}

} // namespace detail

namespace detail {

// Whether a T only points at its text or elements, or at those of a part of it, which may end before the
// entry does. A class that names its fields is the one who knows. Outer: as in how_hashed().
template <class T, class... Outer>
consteval bool has_view();

template <class Types, class... Outer>
inline constexpr bool some_have_views = false;
template <template <class...> class Types, class... T, class... Outer>
inline constexpr bool
    some_have_views<Types<T...>, Outer...> = (has_view<std::remove_cvref_t<T>, Outer...>() || ...);

template <class T, class... Outer>
consteval bool has_view() {
    // The order decides: in C++26, an optional is a view of what it owns.
    if constexpr ((std::is_same_v<T, Outer> || ...) || names_fields<T>) { // NOLINT(bugprone-branch-clone)
        return false;
    } else if constexpr (is_optional<T>) {
        return has_view<std::remove_cv_t<typename T::value_type>, T, Outer...>();
    } else if constexpr (std::ranges::enable_view<T>) {
        return true;
    } else if constexpr (std::is_array_v<T>) {
        return has_view<std::remove_cv_t<std::remove_all_extents_t<T>>, T, Outer...>();
    } else if constexpr (is_variant<T>) {
        return some_have_views<T, T, Outer...>;
    } else if constexpr (standard_tuple<T> || (!has_own_hash<T> && aggregate<T>)) {
        return some_have_views<field_types<T>, T, Outer...>;
    } else if constexpr (element_range<T>) {
        return has_view<std::remove_cvref_t<decltype(*std::declval<const T&>().begin())>, T, Outer...>();
    } else {
        return false;
    }
}

} // namespace detail

// An equivalence and a hash that agrees with it.
template <class Key, class Hash = hash<Key>, class Equal = equal>
concept cache_key = std::is_object_v<Key> && !std::is_const_v<Key> && detail::hashes<Hash, Key> &&
                    detail::compares<Equal, Key, Key>;

// What a Key may be looked up by: a Key; what converts to a Key implicitly without changing its value; a
// range of bytes, if Key is one; and what the user's Hash and Equal both take.
template <class K, class Key, class Hash = hash<Key>, class Equal = equal>
concept lookup_key_for = std::same_as<K, Key> ||
    (detail::keeps_every_value<K, Key>&& detail::hashes<Hash, K>&& detail::compares<Equal, Key, K> &&
     (std::is_convertible_v<const K&, Key> || detail::known_by_their_bytes<Key, K> ||
      detail::takes_other_keys<Hash>));

namespace detail {

// A result may change its sign (`return 1` for a std::size_t), and an integer may become a floating-point
// number.
template <number From, number To>
[[nodiscard]] consteval bool keeps_digits() {
    using from = std::numeric_limits<number_of<From>>;
    using to = std::numeric_limits<number_of<To>>;
    return to::is_integer ? from::is_integer && from::digits <= to::digits
                          : from::is_integer || from::digits <= to::digits;
}
// Converts to what keeps its digits: as an argument of a constructor, which may be explicit.
template <number From>
struct number_in_full {
    template <number To>
        requires(keeps_digits<From, To>())
    operator To() const noexcept; // NOLINT(google-explicit-constructor)
};

// Otherwise as keeps_every_value.
template <class From, class To>
[[nodiscard]] consteval bool keeps_result() {
    if constexpr (number<From> && number<To>) {
        return keeps_digits<From, To>();
    } else if constexpr (number<To>) { // a list does not narrow what a conversion function returns
        return std::is_convertible_v<From, To> && initializes<From, To>;
    } else if constexpr (number<From>) {
        return std::is_constructible_v<To, number_in_full<From>> && keeps_every_value<From, To>;
    } else {
        return std::is_class_v<From> || keeps_every_value<From, To>;
    }
}
template <class From, class To>
concept kept_result_of = keeps_result<std::remove_cvref_t<From>, To>();

// With parentheses: std::invoke, which also takes pointers to members, needs <functional>.
template <class Function, class... Arguments>
concept callable = requires(Function&& f, Arguments&&... arguments) {
    std::forward<Function>(f)(std::forward<Arguments>(arguments)...);
};
template <class Function, class... Arguments>
using result_of_call = decltype(std::declval<Function>()(std::declval<Arguments>()...));

// What it returns; void, if it cannot be called.
template <class Make, class Key>
[[nodiscard]] consteval auto made() {
    if constexpr (callable<Make, const Key&>) {
        return std::type_identity<result_of_call<Make, const Key&>>();
    } else if constexpr (callable<Make>) {
        return std::type_identity<result_of_call<Make>>();
    } else {
        return std::type_identity<void>();
    }
}
template <class Make, class Key>
using made_t = typename decltype(made<Make, Key>())::type;

} // namespace detail

// make() or make(key) returns a Value, what a Value is constructed from without a loss, or a
// std::optional<Value>.
template <class Make, class Key, class Value>
concept makes_value_for =
    !std::is_void_v<detail::made_t<Make, Key>> &&
    (std::same_as<std::remove_cv_t<detail::made_t<Make, Key>>, Value> ||
     std::same_as<std::remove_cvref_t<detail::made_t<Make, Key>>, std::optional<Value>> ||
     (std::is_constructible_v<Value, detail::made_t<Make, Key>> &&
      detail::kept_result_of<detail::made_t<Make, Key>, Value>));

} // namespace layout_1
} // namespace ibid
