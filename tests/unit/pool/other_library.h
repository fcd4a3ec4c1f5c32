// SPDX-License-Identifier: Apache-2.0
//
// Another library of the process, that uses the same pools as the program.
#pragma once

#include "ibid/pool.h"

namespace ibid::testing {

struct made_by {
    int number;
};

#pragma GCC visibility push(default)
[[nodiscard]] loan<made_by> take_in_other_library(pool<made_by>& p);
void end_in_other_library(loan<made_by>& l);
#pragma GCC visibility pop

} // namespace ibid::testing
