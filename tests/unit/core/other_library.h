// SPDX-License-Identifier: Apache-2.0
//
// Another library of the process, that uses the same caches as the program.
#pragma once

#include <string>

#include "ibid/cache.h"
#include "ibid/handle.h"

namespace ibid::testing {

using shared_cache = cache<std::string, std::string>;

#pragma GCC visibility push(default)
[[nodiscard]] handle<std::string> intern_in_other_library(shared_cache& c, const std::string& key);
[[nodiscard]] handle<std::string> canonical_in_other_library(const std::string& value);
void drop_in_other_library(handle<std::string>& h);
#pragma GCC visibility pop

} // namespace ibid::testing
