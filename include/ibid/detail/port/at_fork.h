// SPDX-License-Identifier: Apache-2.0
//
// Handlers for fork(), on systems that have fork().
#pragma once

#include "ibid/detail/port/system.h"

#if !defined(IBID_ON_WINDOWS)
#include <pthread.h>
#endif

namespace ibid {
inline namespace layout_1 {
namespace detail {

// False without memory.
inline bool at_fork([[maybe_unused]] void (*before)() noexcept, [[maybe_unused]] void (*in_parent)() noexcept,
                    [[maybe_unused]] void (*in_child)() noexcept) noexcept {
#if defined(IBID_ON_WINDOWS)
    return true;
#else
    return ::pthread_atfork(before, in_parent, in_child) == 0;
#endif
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
