// SPDX-License-Identifier: Apache-2.0
//
// Where the preload is and how a program is told of it. See environment.h.
#include "cli/environment.h"

#include "openssl/binding/settings.h"

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <string_view>

#include <sys/auxv.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli {
namespace {

// Without links and "..": empty when there is no such file.
std::string real_path(const std::string& path) {
    char resolved[PATH_MAX];
    return ::realpath(path.c_str(), resolved) != nullptr ? std::string(resolved) : std::string();
}

bool exists(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

} // namespace

std::string own_path() {
    char path[PATH_MAX];
    const ssize_t length = ::readlink("/proc/self/exe", path, sizeof(path));
    if (length > 0 && length < static_cast<ssize_t>(sizeof(path)))
        return {path, static_cast<std::size_t>(length)};
    const auto* const executed =
        reinterpret_cast<const char*>(::getauxval(AT_EXECFN)); // an address, as a number
    return executed != nullptr ? real_path(executed) : std::string();
}

std::optional<std::string> find_preload() {
    std::string folder = own_path();
    folder.erase(std::min(folder.rfind('/'), folder.size()));
    for (const std::string& candidate :
         {folder + "/../lib", folder + "/../" IBID_INSTALL_LIBDIR, std::string(IBID_INSTALL_FULL_LIBDIR)}) {
        if (std::string path = real_path(candidate + "/libibid_preload.so"); !path.empty())
            return path;
    }
    return std::nullopt;
}

preload_entry entry_for(const std::string& preload) {
    constexpr std::string_view narrow = IBID_NARROW_LIB;
    constexpr std::string_view file = "/libibid_preload.so";
    const std::string folder = preload.substr(0, preload.size() - std::min(preload.size(), file.size())) +
                               "/ibid/before-libasan.so/";
    if (!exists(folder + IBID_LOADER_LIB + std::string(file)))
        return {preload, false};
    return {folder + "$LIB" + std::string(file),
            !narrow.empty() && exists(fmt::format("{}{}{}", folder, narrow, file))};
}

std::string prepend_preload(const std::string& ours, const std::string& current) {
    std::string_view rest = current;
    while (!rest.empty()) {
        const std::string_view entry = rest.substr(0, rest.find_first_of(": "));
        if (entry == ours)
            return current;
        rest.remove_prefix(entry.size() == rest.size() ? entry.size() : entry.size() + 1);
    }
    return current.empty() ? ours : ours + ":" + current;
}

bool fits_into_ld_preload(const std::string& path) {
    return path.find_first_of(": \t\n$") == std::string::npos;
}

std::string append_names(std::string list, const std::vector<std::string>& names) {
    for (const std::string& name : names)
        list += (list.empty() ? "" : ":") + name;
    return list;
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
    if (const std::string_view privacy = variable("IBID_PRIVACY");
        !privacy.empty() && privacy != "strict" && privacy != "default" && privacy != "off")
        return fmt::format("IBID_PRIVACY={} is not known: it is 'strict', 'default' or 'off'", privacy);
    if (const std::string_view children = variable("IBID_CHILDREN");
        !children.empty() && children != "1" && children != "0")
        return fmt::format("IBID_CHILDREN={} is not known: 0 leaves the programs alone that this one starts",
                           children);
    if (const std::string_view exclude = variable("IBID_EXCLUDE");
        exclude.find('/') != std::string_view::npos)
        return fmt::format(
            "IBID_EXCLUDE={} cannot be understood: it is names of programs, without folders, with colons "
            "between them",
            exclude);
    return {};
}

} // namespace ibid::cli
