// SPDX-License-Identifier: Apache-2.0
//
// Whether this process has only one thread. If so, no other function of ibid is running, and no lock of ibid
// is held.
//
// Law: true only if it is certain.
#pragma once

namespace ibid::openssl {

// The C library's variable, nonzero until the process starts its first thread. Null: it does not exist, or
// was not looked up yet. glibc 2.32 and newer have it; it is looked up by name, so that an older glibc can
// load ibid. Written once, at load.
inline constinit const char* tells_one_thread = nullptr;

[[nodiscard]] inline bool has_one_thread() noexcept {
    return tells_one_thread != nullptr && *tells_one_thread != 0;
}

} // namespace ibid::openssl
