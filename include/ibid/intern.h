// SPDX-License-Identifier: Apache-2.0
//
// The canonical copy of any hashable value, in one line and for the whole process.
//
// Law: for equal values, intern() gives equal handles while any of them lives; the copy ends with its last
// handle.
//
//     auto a = ibid::intern(std::string("ibidem"));
//     auto b = ibid::intern<std::string>("ibidem");      // made only when it is not there yet
//     assert(a == b);
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

#include "ibid/cache.h"
#include "ibid/concepts.h"
#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/base/process_wide.h"
#include "ibid/detail/base/type_name.h"
#include "ibid/detail/port/module.h"

namespace ibid {
inline namespace layout_1 {

namespace detail {

// The cache of T that all modules of the process share, if T is the same type in them (type_name.h).
template <class T>
struct canonical_cache {
    static_assert(
        !std::is_array_v<T> && !std::is_pointer_v<T> && !has_view<T>(),
        "T, or a part of it, only points at what it means, and that may go first: name the owner, as in "
        "intern<std::string>(text)");

    cache<T, T, key_is_value> values;

    // This module must not be unloaded: the cache and the values made here may hold addresses of its code.
    [[nodiscard]] static std::string process_name() {
        static constinit char own{};
        this_module_stays();
        return shared_name(IBID_PROCESS_NAME("canonical"), written_name<T>(),
                           sizeof(T) * 4096 + alignof(T) * 2 + (keyed_hash<hash<T>> ? 1 : 0), &own,
                           standard_library);
    }
};

} // namespace detail

// The cache behind intern<T>(). One for each type, made at first use and never destroyed, so that handles may
// go at any time up to the end of the process. A module that uses it stays: dlclose() does not unload it.
// Throws bad_alloc at first use.
template <class T>
[[nodiscard]] IBID_MODULE_LOCAL cache<T, T, key_is_value>& canonical() {
    using shared = detail::canonical_cache<T>;
    return detail::some(detail::process_wide<shared>::get()).values;
}

// With T named: from anything that T can be constructed from and compared with.
template <class T, class From>
[[nodiscard]] handle<T> intern(From&& from) {
    using from_type = std::remove_cvref_t<From>;
    constexpr bool keeps = detail::keeps_every_value<from_type, T>;
    constexpr bool becomes = std::is_same_v<from_type, T> || !cache_key<T> || lookup_key_for<from_type, T>;
    static_assert(
        keeps,
        "ibid: not every value of this type is a T. Convert it yourself: intern<T>(static_cast<T>(from))");
    static_assert(
        becomes || !keeps,
        "ibid: intern<T>(from) takes a T, what converts to one implicitly and compares with it, or another "
        "range of the same bytes. Convert it yourself: intern<T>(T(from))");
    if constexpr (!keeps || !becomes) {
        return handle<T>();
    } else if constexpr (std::is_same_v<from_type, T> || std::is_constructible_v<T, const From&>) {
        return canonical<T>().intern(std::forward<From>(from));
    } else {
        return canonical<T>().intern(from, [&] { return detail::make_key<T>(from); });
    }
}

// With T deduced. (The first parameter is there so that intern<std::string>(…) can only mean the function
// above.)
template <std::nullptr_t = nullptr, class T>
[[nodiscard]] handle<std::remove_cvref_t<T>> intern(T&& value) {
    return canonical<std::remove_cvref_t<T>>().intern(std::forward<T>(value));
}

} // namespace layout_1
} // namespace ibid
