// SPDX-License-Identifier: Apache-2.0
//
// The libcrypto and libssl that a program has or would get.
#pragma once

#include <string>
#include <vector>

namespace ibid::cli {

// The libcrypto and libssl that a program has or would get.
struct openssl_build {
    std::string libcrypto; // path; empty: none
    std::string libssl;
    std::string version;   // "3.0.19"
    std::string fork;      // "BoringSSL": a fork that uses OpenSSL's file names
    bool symbolic = false; // libcrypto is linked with -Bsymbolic
};

// The first libcrypto and libssl among these files. `root` is prepended to their paths: /proc/PID/root for a
// process with another root directory.
[[nodiscard]] openssl_build look_at_openssl(const std::vector<std::string>& libraries,
                                            const std::string& root = {});

} // namespace ibid::cli
