// SPDX-License-Identifier: Apache-2.0
//
// Where this command and the preload are installed, and how LD_PRELOAD names the preload.
#pragma once

#include <optional>
#include <string>

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

// The file of the preload that this user may not read, so that no program of this user can load it; empty:
// none.
[[nodiscard]] std::string closed_to_this_user(const std::string& preload);

// The part of a path that other users may not search or read; empty if there is none.
[[nodiscard]] std::string closed_to_others(const std::string& path);

} // namespace ibid::cli
