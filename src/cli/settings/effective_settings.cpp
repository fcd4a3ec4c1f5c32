// SPDX-License-Identifier: Apache-2.0
//
// See effective_settings.h.
#include "cli/settings/effective_settings.h"

#include "cli/programs/program.h"
#include "cli/settings/known_settings.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli {
namespace {

std::string base_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

std::string own_variable(std::string_view name) {
    const char* const value = std::getenv(std::string(name).c_str());
    return value != nullptr ? value : "";
}

} // namespace

std::string settings_result::operator[](std::string_view name) const {
    for (const effective_setting& s : settings) {
        if (s.name == name && !s.is_default)
            return s.value;
    }
    return {};
}

settings_result effective_settings(const environment_of& environment, const char* environment_name,
                                   const configuration& files, const std::vector<std::string>& programs) {
    settings_result r;
    r.complaints = files.complaints_of(programs);
    const std::vector<configuration::setting> from_files = files.settings_of(programs);
    for (const setting_kind& kind : setting_kinds()) {
        const std::string name(kind.name);
        const std::string value = environment(name);
        const std::string wrong = value.empty() ? std::string() : wrong_value(name, value);
        if (!wrong.empty())
            r.complaints.push_back(wrong + "; it counts as not set");
        const auto file = std::find_if(from_files.begin(), from_files.end(),
                                       [&name](const configuration::setting& s) { return s.name == name; });
        const std::optional<configuration::setting> longer =
            name == "IBID_EXCLUDE" ? files.with_disabled_programs(value, programs) : std::nullopt;
        if (!value.empty() && wrong.empty() && longer)
            r.settings.push_back(
                {name, longer->value, fmt::format("{}, {}", environment_name, longer->place()), false});
        else if (!value.empty() && wrong.empty())
            r.settings.push_back({name, value, environment_name, false});
        else if (file != from_files.end())
            r.settings.push_back({name, file->value, file->place(), false});
        else
            r.settings.push_back({name, std::string(kind.by_default), "default", true});
    }
    return r;
}

std::string misspelt_setting(std::string_view variable) {
    const std::string_view name = variable.substr(0, variable.find('='));
    if (!name.starts_with("IBID_") || name == "IBID_CONFIG" || is_setting(name) ||
        similar_settings(name).empty())
        return {};
    return not_a_setting(name);
}

std::vector<std::string> names_of_program(const std::string& program, bool look) {
    std::vector<std::string> names{base_name(program)};
    const auto add = [&names](const std::string& path) {
        if (std::find(names.begin(), names.end(), base_name(path)) == names.end())
            names.push_back(base_name(path));
    };
    if (const std::optional<struct program> found = look ? find_program(program) : std::nullopt) {
        for (const std::string& script : found->scripts)
            add(script);
        add(found->path);
    }
    return names;
}

std::vector<std::string> apply_settings(const std::string& program) {
    const configuration files = configuration::load();
    settings_result r = effective_settings(own_variable, "environment", files,
                                           names_of_program(program, files.has_sections()));
    for (const effective_setting& s : r.settings) {
        if (s.is_default && !own_variable(s.name).empty())
            ::unsetenv(s.name.c_str()); // an invalid value counts as unset
        else if (!s.is_default)
            ::setenv(s.name.c_str(), s.value.c_str(), 1);
    }
    for (const char* const* at = environ; *at != nullptr; ++at) {
        if (std::string misspelt = misspelt_setting(*at); !misspelt.empty())
            r.complaints.push_back(std::move(misspelt));
    }
    return std::move(r.complaints);
}

} // namespace ibid::cli
