// SPDX-License-Identifier: Apache-2.0
//
// Which settings hold for a program, and where each comes from: the environment, a file (configuration.h), or
// nowhere.
#pragma once

#include "cli/configuration.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ibid::cli {

struct effective_setting {
    std::string name{};
    std::string value{};
    std::string source{};    // "environment", "/etc/ibid.conf:3 [nginx]", "default"
    bool is_default = false; // then `value` is what holds without it, for a person
};

// Of a variable's name its value; empty: not set.
using environment_of = std::function<std::string(std::string_view name)>;

struct settings_result {
    std::vector<effective_setting> settings; // one of each name
    std::vector<std::string> complaints;     // wrong values, one line each

    // The value that is set; empty: none.
    [[nodiscard]] std::string operator[](std::string_view name) const;
};

// A wrong value of the environment's counts as none. `environment_name`: what it is called ("environment",
// "its unit").
[[nodiscard]] settings_result effective_settings(const environment_of& environment,
                                                 const char* environment_name, const configuration& files,
                                                 const std::vector<std::string>& programs);

// The names by which a program is known to a file: its own; of a script, also its interpreter's. `look`:
// whether that may be read from the file.
[[nodiscard]] std::vector<std::string> names_of_program(const std::string& program, bool look);

// Puts what holds for this program into this process's environment. Gives the complaints.
[[nodiscard]] std::vector<std::string> apply_settings(const std::string& program);

} // namespace ibid::cli
