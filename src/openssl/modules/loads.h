// SPDX-License-Identifier: Apache-2.0
//
// Whether the program is loading a module that has not been scanned yet.
//
// Law: nothing is shared from begin_loads() until the matching end_loads(), which follows the scan.
#pragma once

#include <atomic>

namespace ibid::openssl::modules {

inline constinit std::atomic<unsigned> loads_under_way{0}; // release after a scan, pairs with loading()

inline void begin_loads(unsigned n) noexcept {
    loads_under_way.fetch_add(n, std::memory_order_acq_rel);
}

inline void end_loads(unsigned n) noexcept {
    loads_under_way.fetch_sub(n, std::memory_order_acq_rel);
}

[[nodiscard]] inline bool loading() noexcept {
    return loads_under_way.load(std::memory_order_acquire) != 0;
}

} // namespace ibid::openssl::modules
