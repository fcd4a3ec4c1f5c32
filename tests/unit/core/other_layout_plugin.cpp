// SPDX-License-Identifier: Apache-2.0
//
// A plugin with another version of ibid, whose layouts differ: compiled with -Dlayout_1=layout_2.
#include <string>

#include "ibid/intern.h"

extern "C" __attribute__((visibility("default"))) const void* ibid_test_other_canonical(const char* text) {
    static const ibid::handle<std::string> kept = ibid::intern(std::string(text));
    return kept.get();
}
