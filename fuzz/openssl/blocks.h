// SPDX-License-Identifier: Apache-2.0
//
// Blocks of bytes over a socket between the two processes: first the size, then the bytes.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace ibid::fuzz {

// False at the end of the stream. A system call interrupted by libFuzzer's alarm, every few minutes, is
// repeated.
[[nodiscard]] inline bool read_all(int fd, void* into, std::size_t size) {
    auto* p = static_cast<char*>(into);
    while (size > 0) {
        const ssize_t n = read(fd, p, size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        p += n;
        size -= static_cast<std::size_t>(n);
    }
    return true;
}

[[nodiscard]] inline bool write_all(int fd, const void* from, std::size_t size) {
    const auto* p = static_cast<const char*>(from);
    while (size > 0) {
        const ssize_t n = send(fd, p, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        p += n;
        size -= static_cast<std::size_t>(n);
    }
    return true;
}

[[nodiscard]] inline bool write_block(int fd, const void* data, std::size_t size) {
    return write_all(fd, &size, sizeof size) && write_all(fd, data, size);
}

template <class Block>
[[nodiscard]] bool read_block(int fd, Block& into) {
    std::size_t size = 0;
    if (!read_all(fd, &size, sizeof size)) {
        return false;
    }
    into.resize(size);
    return read_all(fd, into.data(), size);
}

} // namespace ibid::fuzz
