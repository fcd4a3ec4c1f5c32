// SPDX-License-Identifier: Apache-2.0
//
// The libcrypto and libssl that a program has or would get.
#pragma once

#include "cli/programs/loaded_files.h"

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
    bool unread = false;   // it may not be read: nothing but the paths is known
};

// The first libcrypto and libssl among these files.
[[nodiscard]] openssl_build look_at_openssl(const std::vector<loaded_file>& files);

} // namespace ibid::cli
