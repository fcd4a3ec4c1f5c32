// SPDX-License-Identifier: Apache-2.0
//
// Another process's memory, read while it runs.
//
// Law: it changes nothing there and stops nothing. The data may be half old and half new, so it must be
// checked and not trusted.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <sys/types.h>
#include <sys/uio.h>

namespace ibid::shared_statistics {

// Copies bytes out of another process; false with errno set. EFAULT: not all of them are mapped.
[[nodiscard]] inline bool copy_from(pid_t pid, std::uint64_t address, void* to, std::size_t bytes) {
    const iovec local{to, bytes};
    const iovec remote{reinterpret_cast<void*>(address), bytes}; // an address there, never used here
    const ssize_t copied = ::process_vm_readv(pid, &local, 1, &remote, 1, 0);
    if (copied >= 0 && static_cast<std::size_t>(copied) != bytes)
        errno = EFAULT; // the kernel sets none if it copied a part
    return copied == static_cast<ssize_t>(bytes);
}

} // namespace ibid::shared_statistics
