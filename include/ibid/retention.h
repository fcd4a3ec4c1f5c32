// SPDX-License-Identifier: Apache-2.0
//
// How many entries without a handle a cache may keep, in case their key comes back.
//
// Law: retained entries never weigh more than `bytes` and are never more than `entries`. If either is zero,
// which is the default, nothing is retained. Besides them ibid keeps only hashes of recently evicted keys: at
// most 15 bytes for each entry of the budget, and a small constant, until the next trim() or retain().
// (Certificates have two segments and first-timers: three times that.)
//
//     ibid::cache<std::string, std::regex> patterns;
//     patterns.retain({.bytes = 1 << 20, .entries = 256});
//     patterns.trim();      // gives all of it back now; the budget stays
#pragma once

#include "ibid/detail/port/language.h"

#include <concepts>
#include <cstddef>

namespace ibid {
inline namespace layout_1 {

// A budget. Both numbers must leave room for an entry to be kept.
struct retention {
    // The largest total weight: for each entry, its key and value by weight_of, and its own record.
    std::size_t bytes = 0;
    // How many entries, at most.
    std::size_t entries = 0;

    // Whether this budget keeps nothing.
    [[nodiscard]] constexpr bool none() const noexcept { return bytes == 0 || entries == 0; }
    friend bool operator==(const retention&, const retention&) = default;
};

// What one value weighs against the budget, bytes. Specialize it for values that own more than a container of
// plain elements does; the entry itself is added by the cache. If it throws, or says the largest number, the
// value is not retained; nothing else changes.
template <class T>
struct weight_of {
    // The weight of `value`, bytes. Called whenever the entry might be retained, under a lock: it must not
    // use the cache.
    [[nodiscard]] std::size_t operator()(const T& value) const noexcept {
        if constexpr (requires {
                          { value.capacity() } -> std::convertible_to<std::size_t>;
                          sizeof(typename T::value_type);
                      }) {
            return sizeof(T) + value.capacity() * sizeof(typename T::value_type);
        } else {
            return sizeof(T);
        }
    }
};

} // namespace layout_1
} // namespace ibid
