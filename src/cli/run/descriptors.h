// SPDX-License-Identifier: Apache-2.0
//
// Moves our own descriptors away from 0, 1 and 2: a program may be started with some of these closed, and
// then the system gives them out first.
#pragma once

#include <cstdlib>

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ibid::cli {

// `fd` itself, or the descriptor that replaces it. Closed on exec. Negative in, negative out.
[[nodiscard]] inline int above_standard_streams(int fd) {
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    const int higher = ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    ::close(fd);
    return higher;
}

// Closes `first` to `last`. By the system call, since musl and glibc before 2.34 have no function of that
// name; before Linux 5.9 one by one.
inline void close_all(unsigned first, unsigned last) {
    if (::syscall(SYS_close_range, first, last, 0) == 0)
        return;
    DIR* const open = ::opendir("/proc/self/fd");
    if (open == nullptr)
        return;
    while (const dirent* const entry = ::readdir(open)) {
        char* end = nullptr;
        const unsigned long fd = std::strtoul(entry->d_name, &end, 10);
        if (end != entry->d_name && fd >= first && fd <= last &&
            fd != static_cast<unsigned long>(::dirfd(open)))
            ::close(static_cast<int>(fd));
    }
    ::closedir(open);
}

} // namespace ibid::cli
