// SPDX-License-Identifier: Apache-2.0
//
// Whether this process has one thread. If so, no other function of ibid's is running, and no lock of ibid's
// is held.
//
// Law: true only if it is certain.
#pragma once

namespace ibid::openssl {

// The C library's, nonzero until the process starts its first thread; null: it does not tell, or nobody asked
// yet. glibc 2.32 and newer tell; it is asked by name, so that ibid can be loaded by an older one. Written
// once, at load.
inline constinit const char* tells_one_thread = nullptr;

[[nodiscard]] inline bool has_one_thread() noexcept {
    return tells_one_thread != nullptr && *tells_one_thread != 0;
}

} // namespace ibid::openssl
