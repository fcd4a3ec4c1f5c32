// SPDX-License-Identifier: Apache-2.0
//
// Whether this process has one thread. If so, no other function of ibid's is running, and no lock of ibid's is held.
//
// Law: true only if it is certain.
#pragma once

// glibc 2.32 and newer: nonzero until the process starts its first thread.
extern "C" __attribute__((weak)) char __libc_single_threaded; // NOLINT(bugprone-reserved-identifier)

namespace ibid::openssl {

[[nodiscard]] inline bool has_one_thread() noexcept {
    return &__libc_single_threaded != nullptr && __libc_single_threaded != 0;
}

} // namespace ibid::openssl
