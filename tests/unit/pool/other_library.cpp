// SPDX-License-Identifier: Apache-2.0
#include "other_library.h"

namespace ibid::testing {

loan<made_by> take_in_other_library(pool<made_by>& p) {
    return p.take();
}
void end_in_other_library(loan<made_by>& l) {
    l.end();
}

} // namespace ibid::testing
