// SPDX-License-Identifier: Apache-2.0
//
// See openssl_build.h.
#include "cli/programs/openssl_build.h"

#include "cli/programs/elf_file.h"
#include "cli/programs/tls_library.h"

#include <algorithm>
#include <optional>

namespace ibid::cli {

openssl_build look_at_openssl(const std::vector<std::string>& libraries, const std::string& root) {
    openssl_build build;
    const auto first = [&libraries](auto&& is) {
        const auto at = std::find_if(libraries.begin(), libraries.end(), is);
        return at == libraries.end() ? std::string() : *at;
    };
    build.libcrypto = first(is_libcrypto);
    build.libssl = first(is_libssl);
    if (build.libcrypto.empty())
        return build;
    build.version = openssl_version_of(root + build.libcrypto);
    if (const bool is_old = build.version.empty() || build.version.starts_with("1.");
        is_old) // else OpenSSL's own
        build.fork = fork_of_openssl(root + build.libcrypto);
    if (const std::optional<elf_file> elf = read_elf(root + build.libcrypto))
        build.symbolic = elf->symbolic;
    return build;
}

} // namespace ibid::cli
