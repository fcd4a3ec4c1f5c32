// SPDX-License-Identifier: Apache-2.0
//
// See forewarning.h.
#include "cli/programs/forewarning.h"

#include "cli/programs/installation.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli {
namespace {

std::string_view base_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

// Programs that start other programs with other files, in containers, or with a new environment.
struct starter {
    std::string_view name;
    const char* what; // with ": " before what to do instead of the usual
};
constexpr std::array starters{
    starter{"bwrap", "starts programs with other files"},
    starter{"docker", "starts programs in a container, with a new environment"},
    starter{"dovecot", "gives its processes a new environment: set import_environment in dovecot.conf to "
                       "'$import_environment LD_PRELOAD'"},
    starter{"flatpak", "starts programs with other files"},
    starter{"firejail", "starts programs with other files"},
    starter{"nsenter", "starts programs with other files"},
    starter{"podman", "starts programs in a container, with a new environment"},
    starter{"postfix",
            "gives its processes a new environment: 'postconf -e \"import_environment = $(postconf -h "
            "import_environment) LD_PRELOAD\"' adds it"},
    starter{"ssh", "starts programs on another machine"},
    starter{"systemctl",
            "has services started by systemd, with a new environment: 'ibid enable SERVICE' changes that"},
    starter{"systemd-nspawn", "starts programs with other files"},
    starter{"systemd-run", "has programs started by systemd, with a new environment"},
};

} // namespace

std::vector<std::string> forewarnings(const std::string& name, const std::optional<program>& target,
                                      const std::string& preload) {
    std::vector<std::string> all;
    if (target) {
        if (const std::string why = why_not_preloadable(*target); !why.empty())
            all.push_back(why + "; it runs without ibid");
        if (target->privileged)
            all.push_back(fmt::format("put ibid after it: '{} ibid run PROGRAM'", base_name(name)));
    }
    const auto known = std::find_if(starters.begin(), starters.end(),
                                    [&name](const starter& s) { return s.name == base_name(name); });
    if (known != starters.end()) {
        const std::string_view what = known->what;
        all.push_back(fmt::format("{} {}", known->name, what));
        if (what.find(": ") == std::string_view::npos)
            all.push_back(fmt::format("put ibid there: '{} ... ibid run PROGRAM'", known->name));
    }
    if (::geteuid() == 0 && !preload.empty()) {
        if (const std::string part = closed_to_others(preload); !part.empty())
            all.push_back(fmt::format(
                "other users may not read {}: programs that are started as another user run without "
                "ibid, and their loader says so; install ibid where all can read it",
                part));
    }
    return all;
}

} // namespace ibid::cli
