// SPDX-License-Identifier: Apache-2.0
//
// `ibid enable`, `ibid disable`, `ibid status`: enable ibid for a systemd service by one file, which is
// shown.
//
// Law: nothing is started, stopped or reloaded. What must be done next is printed.
#pragma once

#include <string>
#include <vector>

namespace ibid::cli::service {

struct request {
    std::string service;               // empty: all (disable --all, status)
    std::string root;                  // the folder of an image; empty: this system
    std::vector<std::string> settings; // enable: "IBID_PRIVACY=strict"
    bool dry_run = false;
    bool force = false; // enable: ignore problems
    bool all = false;   // disable
    bool json = false;
};

[[nodiscard]] int enable(const request& r);
[[nodiscard]] int disable(const request& r);
[[nodiscard]] int status(const request& r);

// "/", the root of the running system, becomes an empty root. Empty if there is no such folder.
[[nodiscard]] bool normalize_root(std::string& root);

} // namespace ibid::cli::service
