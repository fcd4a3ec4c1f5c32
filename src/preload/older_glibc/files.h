// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace ibid::older_glibc {

// Call at load. Finds the C library's own fstat(), if it has one (glibc 2.33 and newer). It makes another
// system call than __fxstat(), and ibid must make the same calls as the program's C library.
#ifdef IBID_OLDER_GLIBC
void find_own_fstat() noexcept;
#else
inline void find_own_fstat() noexcept {}
#endif

} // namespace ibid::older_glibc
