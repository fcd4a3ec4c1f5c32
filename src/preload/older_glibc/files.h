// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace ibid::older_glibc {

// At load: finds the C library's own fstat(), where it has one (glibc 2.33 and newer). It makes another
// system call than __fxstat(), and ibid must make those of the program's C library.
#ifdef IBID_OLDER_GLIBC
void find_own_fstat() noexcept;
#else
inline void find_own_fstat() noexcept {}
#endif

} // namespace ibid::older_glibc
