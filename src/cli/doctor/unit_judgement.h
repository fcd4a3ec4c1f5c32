// SPDX-License-Identifier: Apache-2.0
//
// Decides from the unit and the program whether ibid can help a service.
//
// docs/operators/service.md has the same as tables: the systemd directives that matter to ibid, and those
// that do not.
#pragma once

#include "cli/systemd/unit.h"

#include <string>
#include <vector>

namespace ibid::cli::doctor {

struct unit_judgement {
    std::string program;               // the service's program; empty: none
    bool uses_openssl = false;         // it does TLS with OpenSSL, as far as can be seen
    std::vector<std::string> problems; // reasons not to enable ibid
    std::vector<std::string> notes;    // further information
    std::vector<std::string> needed;   // further steps besides the drop-in
};

// `preload`: the path by which the service will find it, without `root`.
[[nodiscard]] unit_judgement judge(const systemd::unit& u, const std::string& root,
                                   const std::string& preload);

} // namespace ibid::cli::doctor
