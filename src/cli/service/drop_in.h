// SPDX-License-Identifier: Apache-2.0
//
// The one file by which ibid is turned on for a service: NAME.service.d/ibid.conf below /etc/systemd/system.
//
// Law: a file without the first line that ibid writes is somebody else's, and is neither changed nor removed.
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

// All at once, or not at all. Empty, or what went wrong.
[[nodiscard]] std::string write_drop_in(const std::string& file, const std::string& text);
// And the folder, where nothing else is in it.
[[nodiscard]] std::string remove_drop_in(const std::string& file);

// The services that have one of ours, by name.
[[nodiscard]] std::vector<std::string> services_with_drop_in(const std::string& root);

} // namespace ibid::cli::service
