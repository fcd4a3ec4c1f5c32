// SPDX-License-Identifier: Apache-2.0
//
// The smallest user of the core.
#include <ibid/intern.h>

#include <string>

int main() {
    const auto a = ibid::intern(std::string("ibidem"));
    const auto b = ibid::intern(std::string("ibidem"));
    return a == b ? 0 : 1;
}
