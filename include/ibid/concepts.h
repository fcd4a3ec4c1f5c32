// SPDX-License-Identifier: Apache-2.0
//
// What a cache requires of its keys, of lookup arguments, and of `make`.
//
// Law: a lookup that compiles looks up the value that was written. A lookup whose argument would change its
// value by conversion (300 as a char, 1.5 as an int, 7 as a vector of seven zeros) does not compile.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>

#include "ibid/hash.h"

namespace ibid {
inline namespace layout_1 {

namespace detail {

template <class T>
using number_of =
    typename std::conditional_t<std::is_enum_v<T>, std::underlying_type<T>, std::type_identity<T>>::type;

// Every value of From is a value of To.
template <class From, class To>
inline constexpr bool keeps_every_value = true;
template <class From, class To>
    requires((std::is_arithmetic_v<From> || std::is_enum_v<From>)&&(std::is_arithmetic_v<To> ||
                                                                    std::is_enum_v<To>))
inline constexpr bool keeps_every_value<From, To> = [] {
    using from = std::numeric_limits<number_of<From>>;
    using to = std::numeric_limits<number_of<To>>;
    if constexpr (std::is_same_v<From, To>) {
        return true;
    } else if constexpr (std::is_floating_point_v<From> && !std::is_floating_point_v<To>) {
        return false;
    } else {
        return from::digits <= to::digits && (to::is_signed || !from::is_signed);
    }
}();

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

template <class Key, class K>
inline constexpr bool known_by_their_bytes = false;
// Elements of another size would have other values in a Key.
template <byte_range Key, byte_range K>
inline constexpr bool known_by_their_bytes<Key, K> = bytes_of_element<Key>() == bytes_of_element<K>();

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

// What it returns; void, if it cannot be called.
template <class Make, class Key>
using made_t = typename std::conditional_t<
    std::is_invocable_v<Make, const Key&>, std::invoke_result<Make, const Key&>,
    std::conditional_t<std::is_invocable_v<Make>, std::invoke_result<Make>, std::type_identity<void>>>::type;

} // namespace detail

// make() or make(key) returns a Value, what a Value is constructed from, or a std::optional<Value>.
template <class Make, class Key, class Value>
concept makes_value_for =
    !std::is_void_v<detail::made_t<Make, Key>> &&
    (std::same_as<std::remove_cv_t<detail::made_t<Make, Key>>, Value> ||
     std::same_as<std::remove_cvref_t<detail::made_t<Make, Key>>, std::optional<Value>> ||
     std::is_constructible_v<Value, detail::made_t<Make, Key>>);

} // namespace layout_1
} // namespace ibid
