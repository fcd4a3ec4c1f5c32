// SPDX-License-Identifier: Apache-2.0
//
// The file that enables ibid for a service: NAME.service.d/ibid.conf below /etc/systemd/system.
//
// Law: a file without ibid's first line was not written by ibid, and is neither changed nor removed.
#pragma once

#include <string>
#include <vector>

namespace ibid::cli::service {

// "/etc/systemd/system/nginx.service.d/ibid.conf"
[[nodiscard]] std::string drop_in_path(const std::string& unit);

// `ld_preload`: the whole value. `settings`: "IBID_PRIVACY=strict", ...
[[nodiscard]] std::string drop_in_text(const std::string& unit, const std::string& ld_preload,
                                       const std::vector<std::string>& settings);

enum class drop_in_state { none, ours, foreign };
[[nodiscard]] drop_in_state look_at_drop_in(const std::string& file);
[[nodiscard]] std::string read_file(const std::string& file); // empty when it cannot be read

// Writes atomically. Returns an error message, or an empty string.
[[nodiscard]] std::string write_drop_in(const std::string& file, const std::string& text);
// Also removes the folder if it is empty then.
[[nodiscard]] std::string remove_drop_in(const std::string& file);

// The services that have ibid's file, by name.
[[nodiscard]] std::vector<std::string> services_with_drop_in(const std::string& root);

} // namespace ibid::cli::service
