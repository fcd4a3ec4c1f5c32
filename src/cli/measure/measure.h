// SPDX-License-Identifier: Apache-2.0
//
// `ibid measure -- PROGRAM`: what ibid brings for a program of the user's, with his own load: the program is
// run by turns, stock and under ibid.
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
