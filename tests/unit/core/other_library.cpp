// SPDX-License-Identifier: Apache-2.0
#include "other_library.h"

#include "ibid/intern.h"

namespace ibid::testing {

handle<std::string> intern_in_other_library(shared_cache& c, const std::string& key) {
    return c.intern(key, [&] { return key; });
}
handle<std::string> canonical_in_other_library(const std::string& value) {
    return intern(value);
}
void drop_in_other_library(handle<std::string>& h) {
    h.reset();
}

} // namespace ibid::testing
