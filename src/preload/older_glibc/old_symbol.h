// SPDX-License-Identifier: Apache-2.0
//
// Binds to the oldest symbol version of a libc function. Newer libraries still export it, at the same
// address, next to a newer version or without a declaration.
//
//     extern "C" int ibid_old_fxstat(int version, int fd, struct stat* status);
//     IBID_OLD_SYMBOL(ibid_old_fxstat, __fxstat);
#pragma once

#if defined(__x86_64__)
#define IBID_OLDEST_GLIBC "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define IBID_OLDEST_GLIBC "GLIBC_2.17"
#endif

#define IBID_OLD_SYMBOL(function, name) __asm__(".symver " #function "," #name "@" IBID_OLDEST_GLIBC)
