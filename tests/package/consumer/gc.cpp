// SPDX-License-Identifier: Apache-2.0
//
// The smallest user of ibid-gc: a token in the collector's heap keeps a value.
#include <ibid/cache.h>
#include <ibid/gc.h>

#include <string>

int main() {
    ibid::gc::start();
    ibid::cache<std::string, std::string> names;
    const ibid::gc::active<std::string> token =
        ibid::gc::intern(names, std::string("example.org"), [] { return std::string("a record"); });
    return *token == "a record" && names.find("example.org") ? 0 : 1;
}
