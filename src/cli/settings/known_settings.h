// SPDX-License-Identifier: Apache-2.0
//
// The settings that there are, and what values they may have.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace ibid::cli {

// The variables that the preload reads and that a person may set (docs/command.md). Configuration files use
// the same names.
struct setting_kind {
    std::string_view name;
    std::string_view by_default; // text for a person
};
[[nodiscard]] const std::array<setting_kind, 7>& setting_kinds();
[[nodiscard]] bool is_setting(std::string_view name);

// Settings that `name` may mean; and what to tell of a name that is none.
[[nodiscard]] std::vector<std::string> similar_settings(std::string_view name);
[[nodiscard]] std::string not_a_setting(std::string_view name);

// An error message for a value of one of them; empty if it is valid. The preload itself treats an invalid
// value as unset.
[[nodiscard]] std::string wrong_value(std::string_view name, std::string_view value);

// Whether a program could have this name: not empty, no slash, no colon.
[[nodiscard]] bool can_be_excluded(const std::string& name);

// IBID_EXCLUDE with more names: "git:ssh".
[[nodiscard]] std::string append_names(std::string list, const std::vector<std::string>& names);

} // namespace ibid::cli
