// SPDX-License-Identifier: Apache-2.0
//
// Functions on files and descriptors that glibc has had under these names since 2.33 and 2.34 only.
//
// Law: the kernel is asked as the C library asks it. Source: glibc's bits/stat.h before 2.33, which made stat() of __xstat().
#include <cerrno>
#include <cstdlib>

#include <dirent.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "old_symbol.h"

namespace {

#if defined(__x86_64__)
constexpr int layout = 1; // of struct stat
#elif defined(__aarch64__)
constexpr int layout = 0;
#endif

// Before Linux 5.9: the descriptors one by one.
void close_each(unsigned first, unsigned last) noexcept {
    DIR* const open = opendir("/proc/self/fd");
    if (open == nullptr) {
        return;
    }
    while (const dirent* const entry = readdir(open)) {
        char* end = nullptr;
        const unsigned long fd = std::strtoul(entry->d_name, &end, 10);
        if (end != entry->d_name && fd >= first && fd <= last &&
            fd != static_cast<unsigned long>(dirfd(open))) {
            close(static_cast<int>(fd));
        }
    }
    closedir(open);
}

} // namespace

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
    return ibid_old_fxstat(layout, fd, status);
}

int __wrap_fstat64(int fd, struct stat* status) { // the same, on 64-bit machines
    return ibid_old_fxstat(layout, fd, status);
}

int __wrap_close_range(unsigned first, unsigned last, int flags) {
    const long done = syscall(SYS_close_range, first, last, flags);
    if (done != 0 && errno == ENOSYS && flags == 0) {
        close_each(first, last);
        return 0;
    }
    return static_cast<int>(done);
}

// NOLINTEND(bugprone-reserved-identifier)

} // extern "C"

IBID_OLD_SYMBOL(ibid_old_xstat, __xstat);
IBID_OLD_SYMBOL(ibid_old_lxstat, __lxstat);
IBID_OLD_SYMBOL(ibid_old_fxstat, __fxstat);
