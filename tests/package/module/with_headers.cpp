// SPDX-License-Identifier: Apache-2.0
//
// The file of that program that does not use the module.
#include <cstddef>
#include <string>

#include "ibid/cache.h"
#include "ibid/intern.h"

ibid::handle<std::string> canonical_copy(const std::string& text) {
    return ibid::intern(text);
}

std::size_t size_of_cache(const ibid::cache<std::string, int>& c) {
    return c.find("abc") ? c.size() : 0;
}
