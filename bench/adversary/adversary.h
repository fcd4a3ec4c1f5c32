// SPDX-License-Identifier: Apache-2.0
//
// The measurements, one function and one file for each. run.py runs each in its own process, stock and under
// ibid.
#pragma once

#include "hostile_certificates.h"
#include "openssl/scenarios.h"

namespace bench {

// `count` hostile connections, and after each twentieth an honest connection, to 64 honest servers in turn.
// Between two of its connections an honest server's certificate has no holder; only retention as protected
// keeps it.
figures measure_attack(attack how, const std::filesystem::path& fixtures, int count, const turns& turns);

// Handshakes that end after each `step`-th byte up to the last one. Both sides verify.
figures measure_aborts(const std::filesystem::path& fixtures, int step, const turns& turns);

} // namespace bench
