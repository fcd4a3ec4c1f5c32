// SPDX-License-Identifier: Apache-2.0
//
// Whether the C library has all that threads need. Before version 2.34 libpthread brought a part of it.
#pragma once

namespace ibid::older_glibc {

// Null: it has. Else why ibid is disabled: a libpthread that comes later (with a plugin) would find locks
// that ibid has passed by.
#ifdef IBID_OLDER_GLIBC
[[nodiscard]] const char* why_not() noexcept;
#else
[[nodiscard]] constexpr const char* why_not() noexcept {
    return nullptr;
}
#endif

} // namespace ibid::older_glibc
