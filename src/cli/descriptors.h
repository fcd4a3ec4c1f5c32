// SPDX-License-Identifier: Apache-2.0
//
// Descriptors of our own, away from 0, 1 and 2: a program may be started with some of these closed, and then they are the
// first that the system gives out.
#pragma once

#include <fcntl.h>
#include <unistd.h>

namespace ibid::cli {

// `fd` itself, or what stands for it from now on. Closed on exec. Negative in, negative out.
[[nodiscard]] inline int above_standard_streams(int fd) {
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    const int higher = ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    ::close(fd);
    return higher;
}

} // namespace ibid::cli
