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
#include <ranges>
#include <type_traits>
#include <utility>

#include "ibid/cache.h"
#include "ibid/detail/base/process_wide.h"

namespace ibid {
inline namespace layout_1 {

// The cache behind intern<T>(). One for each type, made at first use and never destroyed, so that handles may
// go at any time up to the end of the process.
template <class T>
[[nodiscard]] IBID_PROCESS_WIDE cache<T, T, key_is_value>& canonical() {
    static_assert(!std::is_array_v<T> && !std::is_pointer_v<T> && !std::ranges::view<T>,
                  "T only points at what it means, and that may go first: name the owner, as in "
                  "intern<std::string>(text)");
    using cache_type = cache<T, T, key_is_value>;
    alignas(cache_type) static unsigned char memory[sizeof(cache_type)];
    static cache_type* const instance = ::new (static_cast<void*>(memory)) cache_type;
    return *instance;
}

// T by name, from anything that T is constructed from and compares equal with.
template <class T, class From>
[[nodiscard]] handle<T> intern(From&& from) {
    if constexpr (std::is_same_v<std::remove_cvref_t<From>, T> || std::is_constructible_v<T, const From&>) {
        return canonical<T>().intern(std::forward<From>(from));
    } else {
        return canonical<T>().intern(from, [&] { return T(std::forward<From>(from)); });
    }
}

// T by deduction. (The first parameter is there so that intern<std::string>(…) can only mean the function
// above.)
template <std::nullptr_t = nullptr, class T>
[[nodiscard]] handle<std::remove_cvref_t<T>> intern(T&& value) {
    return canonical<std::remove_cvref_t<T>>().intern(std::forward<T>(value));
}

} // namespace layout_1
} // namespace ibid
