// SPDX-License-Identifier: Apache-2.0
//
// See openssl_build.h.
#include "cli/programs/openssl_build.h"

#include "cli/programs/elf_file.h"
#include "cli/programs/tls_library.h"

#include <algorithm>
#include <optional>

namespace ibid::cli {

openssl_build look_at_openssl(const std::vector<loaded_file>& files) {
    openssl_build build;
    const auto first = [&files](auto&& is) {
        const auto at =
            std::find_if(files.begin(), files.end(), [&is](const loaded_file& f) { return is(f.path); });
        return at == files.end() ? loaded_file{} : *at;
    };
    const loaded_file libcrypto = first(is_libcrypto);
    build.libcrypto = libcrypto.path;
    build.libssl = first(is_libssl).path;
    build.unread = !libcrypto.path.empty() && libcrypto.at.empty();
    if (libcrypto.at.empty())
        return build;
    build.version = openssl_version_of(libcrypto.at);
    if (const bool is_old = build.version.empty() || build.version.starts_with("1.");
        is_old) // else OpenSSL's own
        build.fork = fork_of_openssl(libcrypto.at);
    if (const std::optional<elf_file> elf = read_elf(libcrypto.at))
        build.symbolic = elf->symbolic;
    return build;
}

} // namespace ibid::cli
