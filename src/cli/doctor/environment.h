// SPDX-License-Identifier: Apache-2.0
//
// The environment of a subject: its settings, and what in it disables ibid.
#pragma once

#include "cli/doctor/findings.h"
#include "cli/settings/configuration.h"
#include "cli/systemd/unit.h"

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace ibid::cli::doctor {

// An environment.
class surroundings {
public:
    // This command's environment, which a program would inherit.
    surroundings();
    // The environment of a process at its start; nothing if it may not be read.
    explicit surroundings(pid_t pid);
    // What a unit sets. `root`: the folder of an image, or empty.
    surroundings(const systemd::unit& u, const std::string& root);

    [[nodiscard]] std::string operator[](std::string_view name) const;
    [[nodiscard]] std::vector<std::string> misspelt() const;

private:
    std::vector<std::string> settings_;
};

// How messages call the environment that a unit sets.
inline constexpr const char* environment_of_unit = "its unit";

// `files`: the files that `ibid run` would read; nothing for a process, whose environment contains
// everything.
void look_at_settings(findings& f, const surroundings& s, const char* environment_name,
                      const configuration& files, const std::vector<std::string>& names);

// For servers that start their processes with a new environment; nothing for others.
void note_scrubbed_environment(findings& f, const std::string& path);

} // namespace ibid::cli::doctor
