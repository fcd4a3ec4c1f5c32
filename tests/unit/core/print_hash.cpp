// SPDX-License-Identifier: Apache-2.0
//
// Prints what this process hashes a fixed key to: two processes must not agree.
#include <cstdio>
#include <string_view>

#include "ibid/hash.h"

int main() {
    std::printf("%016llx\n",
                static_cast<unsigned long long>(ibid::hash<std::string_view>()(std::string_view("ibidem"))));
}
