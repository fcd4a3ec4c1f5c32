// SPDX-License-Identifier: Apache-2.0
//
// The environment in which a program runs under ibid: where the preload is, and the variables that say so.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ibid::cli {

// The file of this command; empty if not known. Without /proc: the path by which it was executed.
[[nodiscard]] std::string own_path();

// libibid_preload.so beside this command: ../lib first (a build folder, /usr/local), then the folder it was
// installed to. Nothing if it is in neither.
[[nodiscard]] std::optional<std::string> find_preload();

// How LD_PRELOAD names it.
struct preload_entry {
    std::string text;
    // Loaders of another word size or C library accept it without an error:
    // src/preload/foreign/CMakeLists.txt says how. False if those files are not installed with the preload.
    bool harmless = false;
};
[[nodiscard]] preload_entry entry_for(const std::string& preload);

// The value for LD_PRELOAD: `entry` first, then the existing entries, which keep working. The same as
// `current` if it already contains the entry (a nested `ibid run`).
[[nodiscard]] std::string prepend_preload(const std::string& entry, const std::string& current);

// Whether LD_PRELOAD can contain this path: its entries are separated by colons and spaces without quoting,
// and a dollar sign begins a token.
[[nodiscard]] bool fits_into_ld_preload(const std::string& path);

// IBID_EXCLUDE with more names: "git:ssh".
[[nodiscard]] std::string append_names(std::string list, const std::vector<std::string>& names);

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

} // namespace ibid::cli
