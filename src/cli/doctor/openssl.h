// SPDX-License-Identifier: Apache-2.0
//
// What the version, the fork and the build of a subject's OpenSSL, and the modules that use it, mean for
// ibid.
#pragma once

#include "cli/doctor/findings.h"

namespace ibid::cli::doctor {

// Needs the subject's settings, its OpenSSL and what its files import.
void judge_openssl(findings& f);

} // namespace ibid::cli::doctor
