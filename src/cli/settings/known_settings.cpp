// SPDX-License-Identifier: Apache-2.0
//
// See known_settings.h.
#include "cli/settings/known_settings.h"

#include "cli/base/similar.h"
#include "cli/base/words.h"
#include "openssl/binding/settings.h"
#include "statistics/printable.h"

#include <algorithm>

#include <fmt/format.h>

namespace ibid::cli {

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

bool can_be_excluded(const std::string& name) {
    return !name.empty() && name.find_first_of("/:") == std::string::npos;
}

std::string append_names(std::string list, const std::vector<std::string>& names) {
    for (const std::string& name : names)
        list += (list.empty() ? "" : ":") + name;
    return list;
}

} // namespace ibid::cli
