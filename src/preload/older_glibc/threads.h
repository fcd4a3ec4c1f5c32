// SPDX-License-Identifier: Apache-2.0
//
// Whether the C library has everything that threads need. Before version 2.34 a part was in libpthread.
#pragma once

namespace ibid::older_glibc {

// Null: it has. Otherwise why ibid is disabled: if libpthread is loaded later (with a plugin), ibid would
// already have skipped locks.
#ifdef IBID_OLDER_GLIBC
[[nodiscard]] const char* why_not() noexcept;
#else
[[nodiscard]] constexpr const char* why_not() noexcept {
    return nullptr;
}
#endif

} // namespace ibid::older_glibc
