// SPDX-License-Identifier: Apache-2.0
#include "other_library.h"

namespace ibid_test {

ibid::gc::active<std::string> intern_in_other_library(shared_names& c, const std::string& key) {
    return ibid::gc::intern(c, key, [&] { return key; });
}

} // namespace ibid_test
