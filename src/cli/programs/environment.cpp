// SPDX-License-Identifier: Apache-2.0
//
// Finds the preload and sets the environment. See environment.h.
#include "cli/programs/environment.h"

#include "cli/base/words.h"
#include "cli/command_line/wrong_words.h"
#include "openssl/binding/settings.h"
#include "statistics/printable.h"

#include <algorithm>
#include <climits>
#include <cstdlib>

#include <sys/auxv.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli {
namespace {

// The path without links and ".."; empty if there is no such file.
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

const std::array<setting_kind, 7>& setting_kinds() {
    static constexpr std::array<setting_kind, 7> all{{
        {"IBID_SCOPE", "openssl"},
        {"IBID_RETAIN", "4M:1024"},
        {"IBID_VERIFY_MEMO", "on"},
        {"IBID_PRIVACY", "default"},
        {"IBID_EXCLUDE", "no program"},
        {"IBID_CHILDREN", "on"},
        {"IBID_DISABLE", "0"},
    }};
    return all;
}

bool is_setting(std::string_view name) {
    return std::any_of(setting_kinds().begin(), setting_kinds().end(),
                       [name](const setting_kind& k) { return k.name == name; });
}

std::vector<std::string> similar_settings(std::string_view name) {
    std::vector<std::string> names;
    for (const setting_kind& kind : setting_kinds())
        names.emplace_back(kind.name);
    return similar(name, names);
}

std::string not_a_setting(std::string_view name) {
    const std::string meant = did_you_mean(similar_settings(name));
    return fmt::format("{} is not a setting of ibid's{}", legible(name),
                       meant.empty() ? " ('ibid run --help' lists them)" : ". " + meant);
}

std::string wrong_value(std::string_view name, std::string_view value) {
    const auto is_one_of = [value](auto... known) { return ((value == known) || ...); };
    const std::string shown = shared_statistics::printable(value);
    const auto refused = [name, &shown](std::string_view what) {
        return fmt::format("{}={} is not known: {}", name, shown, what);
    };
    retention ignored;
    if (name == "IBID_SCOPE" && !is_one_of("openssl", "all"))
        return refused("it is 'openssl' or 'all'");
    if (name == "IBID_RETAIN" && !openssl::parse_retention(value, ignored))
        return fmt::format("{}={} is invalid: it is BYTES[:ENTRIES] with the suffixes K, M and G, such as "
                           "4M:1024, or 0 for none",
                           name, shown);
    if (name == "IBID_DISABLE" && !is_one_of("0", "1"))
        return refused("1 disables ibid");
    if (name == "IBID_VERIFY_MEMO" && !is_one_of("0", "1"))
        return refused("0 verifies every signature again");
    if (name == "IBID_PRIVACY" && !is_one_of("strict", "default", "off"))
        return refused("it is 'strict', 'default' or 'off'");
    if (name == "IBID_CHILDREN" && !is_one_of("0", "1"))
        return refused("0 runs the programs that this one starts without ibid");
    if (name == "IBID_EXCLUDE" && value.find('/') != std::string_view::npos)
        return fmt::format(
            "{}={} is invalid: it is names of programs, without folders, with colons between them", name,
            shown);
    return {};
}

} // namespace ibid::cli
