// SPDX-License-Identifier: Apache-2.0
//
// The file that enables ibid for a service: NAME.service.d/ibid.conf below /etc/systemd/system.
//
// Law: a file without ibid's first line was not written by ibid, and is neither changed nor removed.
#pragma once

#include "cli/systemd/unit.h"

#include <string>
#include <vector>

namespace ibid::cli::service {

// "/etc/systemd/system/nginx.service.d/ibid.conf"
[[nodiscard]] std::string drop_in_path(const std::string& unit);
// The same file of an image, as a path of this machine.
[[nodiscard]] std::string drop_in_file(const std::string& root, const std::string& unit);

// `assignments`: "LD_PRELOAD=...", "IBID_PRIVACY=strict"; specifiers (%) in them count.
[[nodiscard]] std::string drop_in_text(const std::string& unit, const std::vector<std::string>& assignments);

// What the unit, read with this file, does to what the file sets, for a person: systemd reads other files
// after it, and they may set the same again, or remove it.
[[nodiscard]] std::vector<std::string> overridden(const systemd::unit& u, const std::string& path);

enum class drop_in_state { none, ours, foreign };
struct drop_in {
    drop_in_state state = drop_in_state::none;
    std::string text; // if it is ours
};
[[nodiscard]] drop_in look_at_drop_in(const std::string& file);

// Writes atomically. Returns an error message, or an empty string.
[[nodiscard]] std::string write_drop_in(const std::string& file, const std::string& text);
// Also removes the folder if it is empty then.
[[nodiscard]] std::string remove_drop_in(const std::string& file);

// The services that have ibid's file, by name.
[[nodiscard]] std::vector<std::string> services_with_drop_in(const std::string& root);

} // namespace ibid::cli::service
