// SPDX-License-Identifier: Apache-2.0
//
// See environment.h.
#include "cli/doctor/environment.h"

#include "cli/programs/forewarning.h"
#include "cli/settings/known_settings.h"
#include "statistics/reading_child.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli::doctor {
namespace {

// Where a setting comes from, so that a person can change it.
std::string place_of(const findings& f, std::string_view name) {
    for (const effective_setting& s : f.settings.settings) {
        if (s.name == name)
            return s.source;
    }
    return {};
}

} // namespace

surroundings::surroundings() {
    for (const char* const* at = environ; *at != nullptr; ++at)
        settings_.emplace_back(*at);
}

surroundings::surroundings(pid_t pid) {
    std::istringstream file(
        shared_statistics::read_in_time(fmt::format("/proc/{}/environ", pid)).value_or(""));
    for (std::string setting; std::getline(file, setting, '\0');)
        settings_.push_back(setting);
}

surroundings::surroundings(const systemd::unit& u, const std::string& root) {
    std::vector<std::string> names{"LD_AUDIT"}; // and the settings: a file (EnvironmentFile=) may have them
    for (const setting_kind& kind : setting_kinds())
        names.emplace_back(kind.name);
    for (const std::string& value : u.all("Environment")) {
        for (const std::string& word : systemd::words_of(value)) {
            const std::string name = word.substr(0, word.find('='));
            if (std::find(names.begin(), names.end(), name) == names.end())
                names.push_back(name);
        }
    }
    for (const std::string& name : names) {
        if (const auto set = u.environment(root, name))
            settings_.push_back(fmt::format("{}={}", name, set->value));
    }
}

std::string surroundings::operator[](std::string_view name) const {
    for (const std::string& setting : settings_) {
        if (setting.size() > name.size() && setting.starts_with(name) && setting[name.size()] == '=')
            return setting.substr(name.size() + 1);
    }
    return {};
}

std::vector<std::string> surroundings::misspelt() const {
    std::vector<std::string> all;
    for (const std::string& setting : settings_) {
        if (std::string wrong = misspelt_setting(setting); !wrong.empty())
            all.push_back(std::move(wrong));
    }
    return all;
}

void look_at_settings(findings& f, const surroundings& s, const char* environment_name,
                      const configuration& files, const std::vector<std::string>& names) {
    f.settings =
        effective_settings([&s](std::string_view name) { return s[name]; }, environment_name, files, names);
    f.notes.insert(f.notes.end(), f.settings.complaints.begin(), f.settings.complaints.end());
    for (std::string& misspelt : s.misspelt())
        f.notes.push_back(std::move(misspelt));
    if (f.settings["IBID_DISABLE"] == "1") {
        const std::string where = place_of(f, "IBID_DISABLE");
        f.problems.push_back(fmt::format("IBID_DISABLE=1 is set ({}): ibid is disabled", where));
        f.next.push_back(where == environment_name ? "unset IBID_DISABLE"
                                                   : "take IBID_DISABLE out of " + where);
    }
    if (!s["LD_AUDIT"].empty())
        f.problems.emplace_back(
            "LD_AUDIT is set: an auditor sees each call between libraries, so ibid is disabled");
    const std::string list = fmt::format(":{}:", f.settings["IBID_EXCLUDE"]);
    for (const std::string& name : names) {
        if (name.empty() || list.find(fmt::format(":{}:", name)) == std::string::npos)
            continue;
        f.problems.push_back(fmt::format("IBID_EXCLUDE names {} ({}): ibid is disabled in it", name,
                                         place_of(f, "IBID_EXCLUDE")));
        f.next.push_back(fmt::format("take {} out of IBID_EXCLUDE", name));
    }
}

void note_scrubbed_environment(findings& f, const std::string& path) {
    for (const char* const server : {"postfix", "dovecot"}) {
        if (path.find(fmt::format("/{}", server)) == std::string::npos)
            continue;
        for (std::string& warning : forewarnings(server, std::nullopt, {}))
            f.notes.push_back(std::move(warning));
    }
}

} // namespace ibid::cli::doctor
