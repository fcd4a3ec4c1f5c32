// SPDX-License-Identifier: Apache-2.0
//
// The findings, as text for a person and as JSON. docs/command.md describes both.
#pragma once

#include "cli/doctor/findings.h"

#include <nlohmann/json_fwd.hpp>

namespace ibid::cli::doctor {

void print_text(const findings& f);
[[nodiscard]] nlohmann::ordered_json as_json(const findings& f);

} // namespace ibid::cli::doctor
