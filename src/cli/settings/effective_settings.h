// SPDX-License-Identifier: Apache-2.0
//
// The settings of a program, and the source of each: the environment, a file (configuration.h), or the
// default.
#pragma once

#include "cli/settings/configuration.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ibid::cli {

struct effective_setting {
    std::string name{};
    std::string value{};
    std::string source{};    // "environment", "/etc/ibid.conf:3 [nginx]", "default"
    bool is_default = false; // then `value` is the default, as text for a person
};

// Maps a variable's name to its value; empty: not set.
using environment_of = std::function<std::string(std::string_view name)>;

struct settings_result {
    std::vector<effective_setting> settings; // one of each name
    std::vector<std::string> complaints;     // invalid values, one line each

    // The value that is set; empty: none.
    [[nodiscard]] std::string operator[](std::string_view name) const;
};

// An invalid value in the environment counts as unset. `environment_name`: how messages call it
// ("environment", "its unit").
[[nodiscard]] settings_result effective_settings(const environment_of& environment,
                                                 const char* environment_name, const configuration& files,
                                                 const std::vector<std::string>& programs);

// What is wrong with "NAME=VALUE" of an environment, if NAME resembles a setting ("IBID_DISABLED"); else
// empty, because other programs may have variables of such names.
[[nodiscard]] std::string misspelt_setting(std::string_view variable);

// The names of a program for configuration files: its own; for a script, also the interpreter's. `look`:
// whether the file may be read for that.
[[nodiscard]] std::vector<std::string> names_of_program(const std::string& program, bool look);

// Puts the settings of this program into this process's environment. Returns the error messages.
[[nodiscard]] std::vector<std::string> apply_settings(const std::string& program);

} // namespace ibid::cli
