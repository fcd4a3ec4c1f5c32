// SPDX-License-Identifier: Apache-2.0
//
// Prints this process's hash of a fixed key; two processes must have different hashes.
#include <cstdio>
#include <string_view>

#include "ibid/hash.h"

int main() {
    std::printf("%016llx\n",
                static_cast<unsigned long long>(ibid::hash<std::string_view>()(std::string_view("ibidem"))));
}
