// SPDX-License-Identifier: Apache-2.0
//
// Whether this module's static objects are being destroyed because it is unloaded.
//
//     ELF        a function in the module's list of destructors, which dlclose() runs before static objects'
//     others     false: such a module is never unloaded (threads.h)
//
// At the end of the process, static objects of all modules come first.
#pragma once

#include "ibid/detail/port/module.h"

#if defined(__ELF__)
#include <atomic>
#endif

namespace ibid {
inline namespace layout_1 {
namespace detail {

#if defined(__ELF__)

IBID_MODULE_LOCAL inline constinit std::atomic<bool> module_has_ended{false};

// Relaxed: the thread that unloads the module asks.
[[gnu::destructor, gnu::used]] IBID_MODULE_LOCAL inline void note_end_of_module() noexcept {
    module_has_ended.store(true, std::memory_order_relaxed);
}
[[nodiscard]] IBID_MODULE_LOCAL inline bool module_ends() noexcept {
    return module_has_ended.load(std::memory_order_relaxed);
}

#else

[[nodiscard]] constexpr bool module_ends() noexcept {
    return false;
}

#endif

} // namespace detail
} // namespace layout_1
} // namespace ibid
