// SPDX-License-Identifier: Apache-2.0
//
// References to values that ibid owns: the operations that choose between the central count and the stripes
// of a hot value.
//
// Law: a reference is dropped where it was counted, or centrally if those stripes have been collapsed since.
#pragma once

#include <cstdint>

#include "ibid/detail/counting/hot_values.h"
#include "ibid/detail/counting/value_header.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

[[nodiscard]] inline counted_in where_new_references_count(std::uint64_t word) noexcept {
    return static_cast<counted_in>((word & entry_word::hot) != 0 ? entry_word::generation(word) : 0);
}

inline counted_in value_header::acquire_near() noexcept {
    const std::uint64_t w = word();
    if (const counted_in where = where_new_references_count(w);
        where != counted_in::central && owner->hot.add(w, where, 1)) {
        return where;
    }
    acquire();
    return counted_in::central;
}

inline void value_header::release(counted_in where) noexcept {
    if (where == counted_in::central || !owner->hot.add(word(), where, -1)) {
        release();
    }
}

inline void check_for_end(value_header& h) noexcept {
    if (h.owner->hot.collapse(h)) {
        h.owner->end_value(h);
    }
}
inline void add_pending_check(value_header& h) noexcept {
    h.owner->hot.add_pending_check(h);
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
