// SPDX-License-Identifier: Apache-2.0
//
// Whether the preload is installed completely, where everybody may read it.
#pragma once

#include "cli/doctor/findings.h"

namespace ibid::cli::doctor {

void look_at_installation(findings& f);

} // namespace ibid::cli::doctor
