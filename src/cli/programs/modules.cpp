// SPDX-License-Identifier: Apache-2.0
//
// See modules.h.
#include "cli/programs/modules.h"

#include "cli/programs/elf_file.h"
#include "cli/programs/file_bytes.h"
#include "cli/programs/tls_library.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include <fmt/format.h>

namespace ibid::cli {
namespace {

std::string_view base_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

decisive_module classify_file(const loaded_file& loaded) {
    const file_bytes file(loaded.at);
    std::uint32_t roles = 0;
    std::vector<std::string> named;
    for_each_symbol(file, [&](std::string_view name, bool defined) {
        const std::uint32_t found = defined ? 0 : openssl::roles_of(name);
        if (found == 0)
            return;
        roles |= found;
        named.emplace_back(name);
    });
    decisive_module m{openssl::class_of(roles), loaded.path, {}};
    if (m.kind == openssl::module_class::reader)
        return m;
    // If some names are sufficient alone, names that only count in pairs are not listed.
    const bool hides = (roles & openssl::attaches) != 0 && (roles & openssl::hides_owner) != 0;
    const std::uint32_t sufficient = (roles & openssl::writes_always) != 0       ? openssl::writes_always
                                     : m.kind == openssl::module_class::attacher ? openssl::attaches
                                     : hides ? openssl::attaches | openssl::hides_owner
                                             : 0;
    const auto alone = std::stable_partition(named.begin(), named.end(), [&](const std::string& name) {
        return (openssl::roles_of(name) & sufficient) != 0;
    });
    if (alone != named.begin())
        named.erase(alone, named.end());
    named.resize(std::min<std::size_t>(named.size(), 3));
    m.names = std::move(named);
    return m;
}

} // namespace

decisive_module classify(const std::vector<loaded_file>& files) {
    decisive_module worst;
    for (const loaded_file& file : files) {
        if (is_libssl(file.path) || is_libcrypto(file.path) ||
            base_name(file.path).starts_with("libibid_preload.so"))
            continue;
        if (decisive_module m = classify_file(file); m.kind > worst.kind)
            worst = std::move(m);
    }
    return worst;
}

std::string sets_memory_functions(const std::vector<loaded_file>& files) {
    for (const loaded_file& loaded : files) {
        const file_bytes file(loaded.at);
        bool named = false;
        for_each_symbol(file, [&](std::string_view name, bool defined) {
            named |= !defined && name == "CRYPTO_set_mem_functions";
        });
        if (named)
            return loaded.path;
    }
    return {};
}

std::vector<reservation> reservations(const std::vector<loaded_file>& files) {
    constexpr std::array<std::string_view, 5> of_keys{
        "RSA_set_ex_data", "EC_KEY_set_ex_data", "DSA_set_ex_data", "DH_set_ex_data", "EVP_PKEY_set_ex_data"};
    std::vector<reservation> all;
    for (const auto& [path, at, replaced, copy] : files) {
        if (is_libssl(path) || is_libcrypto(path) || base_name(path).starts_with("libibid_preload.so"))
            continue;
        const file_bytes file(at);
        bool registers = false;
        bool sets_default = false;
        bool extends = false;
        std::uint32_t roles = 0;
        std::string_view key;
        for_each_symbol(file, [&](std::string_view name, bool defined) {
            if (defined)
                return;
            roles |= openssl::roles_of(name);
            registers |= name == "CRYPTO_get_ex_new_index";
            sets_default |= name == "OSSL_LIB_CTX_set0_default";
            extends |= name == "SSL_CTX_add_custom_ext";
            const auto* const found = std::find(of_keys.begin(), of_keys.end(), name);
            if (found != of_keys.end())
                key = *found;
        });
        // A library that attaches data to keys, as PKCS#11 libraries do, gets a callback for each freed key.
        // Other libraries register for connections and contexts.
        if (registers && !key.empty())
            all.push_back({path, fmt::format("CRYPTO_get_ex_new_index, {}", key),
                           "it has a callback for each key that is copied or freed"});
        if (sets_default)
            all.push_back({path, "OSSL_LIB_CTX_set0_default",
                           "it gives a thread a default library context of its own"});
        if (extends && openssl::class_of(roles) == openssl::module_class::attacher)
            all.push_back(
                {path, "SSL_CTX_add_custom_ext", "it adds a TLS extension, which gets certificates"});
    }
    return all;
}

} // namespace ibid::cli
