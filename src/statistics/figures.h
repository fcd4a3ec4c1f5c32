// SPDX-License-Identifier: Apache-2.0
//
// Sums of counters: which member of `statistics` a published figure is, and how two are added.
//
//     kind_figures sum{};
//     sum += of_one_process;
#pragma once

#include "statistics/layout.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace ibid::shared_statistics {

// By `figure`. `active` is not published, because it is a difference: entries - retained.
inline constexpr std::array<std::uint64_t statistics::*, figures> members{
    &statistics::hits,     &statistics::misses,           &statistics::evictions,
    &statistics::detached, &statistics::bytes_not_parsed, &statistics::entries,
    &statistics::retained, &statistics::retained_bytes};

inline statistics& operator+=(statistics& to, const statistics& from) noexcept {
    for (std::uint64_t statistics::*const one : members)
        to.*one += from.*one;
    to.active += from.active;
    return to;
}

// The events of these statistics, without the gauges.
[[nodiscard]] inline statistics events_of(const statistics& of) noexcept {
    statistics s;
    for (std::size_t i = 0; i < first_gauge; ++i)
        s.*members[i] = of.*members[i];
    return s;
}

// An event counter of `now` is less than it was `before`.
[[nodiscard]] inline bool has_fallen(const statistics& before, const statistics& now) noexcept {
    for (std::size_t i = 0; i < first_gauge; ++i) {
        if (now.*members[i] < before.*members[i])
            return true;
    }
    return false;
}

// By `kind`.
using kind_figures = std::array<statistics, kinds>;

inline kind_figures& operator+=(kind_figures& to, const kind_figures& from) noexcept {
    for (std::size_t k = 0; k < kinds; ++k)
        to[k] += from[k];
    return to;
}

[[nodiscard]] inline kind_figures events_of(kind_figures of) noexcept {
    for (statistics& one : of)
        one = events_of(one);
    return of;
}

[[nodiscard]] inline bool has_fallen(const kind_figures& before, const kind_figures& now) noexcept {
    for (std::size_t k = 0; k < kinds; ++k) {
        if (has_fallen(before[k], now[k]))
            return true;
    }
    return false;
}

} // namespace ibid::shared_statistics
