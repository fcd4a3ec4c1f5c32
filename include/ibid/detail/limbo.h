// SPDX-License-Identifier: Apache-2.0
//
// What nobody can find any more, and a reader without a lock may still be looking at: entries whose value has been destroyed, and
// slots that a table has left.
//
// Law: as much waits here as makes a fence on all processors worth its price, and no more, unless a reader is interrupted in the
// middle of a look. Protected by the shard's lock.
#pragma once

#include <array>
#include <cstddef>

#include "ibid/detail/counted.h"

namespace ibid::detail {

template <class DeadArray>
struct limbo {
    value_header* entries = nullptr;
    std::size_t count = 0;
    std::size_t bytes = 0;
    std::array<DeadArray, 4> arrays{};
    std::size_t arrays_used = 0;

    [[nodiscard]] bool empty() const noexcept { return entries == nullptr && arrays_used == 0; }
    [[nodiscard]] bool is_worth_a_fence() const noexcept {
        return count >= 32 || bytes >= (std::size_t{16} << 10) || arrays_used != 0;
    }
};

} // namespace ibid::detail
