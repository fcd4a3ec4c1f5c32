// SPDX-License-Identifier: Apache-2.0
//
// A function of libc's under the version that it has had from the beginning. Newer libraries still have it,
// at the same address, beside another version or without a declaration.
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
