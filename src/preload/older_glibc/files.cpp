// SPDX-License-Identifier: Apache-2.0
//
// File functions that glibc exports only since 2.33; before, they were inline functions in its headers. Law:
// they make the same system calls as the C library. Source: glibc's bits/stat.h before 2.33, which defined
// stat() by __xstat().
#include "files.h"

#include <sys/stat.h>

#include "old_symbol.h"
#include "openssl/modules/linker_functions.h"

namespace {

#if defined(__x86_64__)
constexpr int layout = 1; // of struct stat
#elif defined(__aarch64__)
constexpr int layout = 0;
#endif

using file_status = int (*)(int fd, struct stat* status);
constinit file_status own_fstat = nullptr; // of the C library; written once, at load

} // namespace

namespace ibid::older_glibc {

void find_own_fstat() noexcept {
    own_fstat = reinterpret_cast<file_status>(openssl::modules::first_function("fstat"));
}

} // namespace ibid::older_glibc

extern "C" {

int ibid_old_xstat(int version, const char* path, struct stat* status);
int ibid_old_lxstat(int version, const char* path, struct stat* status);
int ibid_old_fxstat(int version, int fd, struct stat* status);

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names (--wrap)

int __wrap_stat(const char* path, struct stat* status) {
    return ibid_old_xstat(layout, path, status);
}

int __wrap_lstat(const char* path, struct stat* status) {
    return ibid_old_lxstat(layout, path, status);
}

int __wrap_fstat(int fd, struct stat* status) {
    return own_fstat != nullptr ? own_fstat(fd, status) : ibid_old_fxstat(layout, fd, status);
}

int __wrap_fstat64(int fd, struct stat* status) { // the same, on 64-bit machines
    return __wrap_fstat(fd, status);
}

// NOLINTEND(bugprone-reserved-identifier)

} // extern "C"

IBID_OLD_SYMBOL(ibid_old_xstat, __xstat);
IBID_OLD_SYMBOL(ibid_old_lxstat, __lxstat);
IBID_OLD_SYMBOL(ibid_old_fxstat, __fxstat);
