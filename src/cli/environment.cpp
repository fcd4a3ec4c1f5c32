// SPDX-License-Identifier: Apache-2.0
//
// Where the preload is and how a program is told of it. See environment.h.
#include "cli/environment.h"

#include "openssl/settings.h"

#include <cstdlib>
#include <filesystem>
#include <string_view>

#include <fmt/format.h>

namespace ibid::cli {

std::optional<std::string> find_preload() {
    namespace fs = std::filesystem;
    std::error_code error;
    const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
    for (const fs::path& candidate :
         {folder / "../lib", folder / ".." / IBID_INSTALL_LIBDIR, fs::path(IBID_INSTALL_FULL_LIBDIR)}) {
        const fs::path path = fs::canonical(candidate / "libibid_preload.so", error);
        if (!error)
            return path.string();
    }
    return std::nullopt;
}

std::string prepend_preload(const std::string& preload, const std::string& current) {
    std::string_view rest = current;
    while (!rest.empty()) {
        const std::string_view entry = rest.substr(0, rest.find_first_of(": "));
        if (entry == preload)
            return current;
        rest.remove_prefix(entry.size() == rest.size() ? entry.size() : entry.size() + 1);
    }
    return current.empty() ? preload : preload + ":" + current;
}

bool fits_into_ld_preload(const std::string& path) {
    return path.find_first_of(": \t\n") == std::string::npos;
}

std::string wrong_setting() {
    const auto variable = [](const char* name) {
        const char* value = std::getenv(name);
        return std::string_view(value != nullptr ? value : "");
    };
    if (const std::string_view scope = variable("IBID_SCOPE");
        !scope.empty() && scope != "openssl" && scope != "all")
        return fmt::format("IBID_SCOPE={} is not known: it is 'openssl' or 'all'", scope);
    retention ignored;
    if (const std::string_view retain = variable("IBID_RETAIN");
        !retain.empty() && !openssl::parse_retention(retain, ignored))
        return fmt::format("IBID_RETAIN={} cannot be understood: it is BYTES[:ENTRIES] with the suffixes K, "
                           "M and G, such as "
                           "4M:1024, or 0 for none",
                           retain);
    if (const std::string_view disable = variable("IBID_DISABLE");
        !disable.empty() && disable != "1" && disable != "0")
        return fmt::format("IBID_DISABLE={} is not known: 1 makes ibid stand aside", disable);
    if (const std::string_view memo = variable("IBID_VERIFY_MEMO");
        !memo.empty() && memo != "1" && memo != "0")
        return fmt::format("IBID_VERIFY_MEMO={} is not known: 0 verifies every signature again", memo);
    if (const std::string_view mutate = variable("IBID_ON_MUTATE");
        !mutate.empty() && mutate != "detach" && mutate != "log" && mutate != "abort")
        return fmt::format("IBID_ON_MUTATE={} is not known: it is 'detach', 'log' or 'abort'", mutate);
    return {};
}

} // namespace ibid::cli
