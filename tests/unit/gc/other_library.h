// SPDX-License-Identifier: Apache-2.0
//
// Another library of the process, that uses the same tokens as the program.
#pragma once

#include <string>

#include "ibid/cache.h"
#include "ibid/gc.h"

namespace ibid_test {

using shared_names = ibid::cache<std::string, std::string>;

#pragma GCC visibility push(default)
[[nodiscard]] ibid::gc::active<std::string> intern_in_other_library(shared_names& c, const std::string& key);
#pragma GCC visibility pop

} // namespace ibid_test
