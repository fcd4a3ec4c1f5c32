// SPDX-License-Identifier: Apache-2.0
//
// Whether ibid can help a service, from its unit and from what its program is.
//
// docs/operators/service.md has the same as tables: each directive of systemd's that matters to ibid, and
// each that does not.
#pragma once

#include "cli/service/unit.h"

#include <string>
#include <vector>

namespace ibid::cli::service {

struct judgement {
    std::string program;               // that it starts; empty: none
    std::vector<std::string> problems; // why it should not be turned on
    std::vector<std::string> notes;    // good to know
    std::vector<std::string> needed;   // what else must be done, beside the drop-in
};

// `preload`: the path by which the service will find it, without `root`.
[[nodiscard]] judgement judge(const unit& u, const std::string& root, const std::string& preload);

} // namespace ibid::cli::service
