// SPDX-License-Identifier: Apache-2.0
//
// `ibid measure -- PROGRAM`: measures the effect of ibid on a program with the user's own load. The program
// is run alternately, stock and under ibid.
#pragma once

#include "cli/measure/trial.h"

namespace ibid::cli::measure {

struct request {
    trial_request what;
    unsigned rounds = 5;
    bool json = false;
};

[[nodiscard]] int measure(const request& r);

} // namespace ibid::cli::measure
