// SPDX-License-Identifier: Apache-2.0
//
// The libcrypto that this test runs on: its own functions, without ibid before them, and how it was linked.
#pragma once

#include <dlfcn.h>
#include <link.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "this_openssl.h"

namespace ibid::test {

[[nodiscard]] inline void* libcrypto() {
    static void* const handle = dlopen(libcrypto_file, RTLD_NOW | RTLD_NOLOAD);
    if (handle == nullptr) {
        throw std::runtime_error(std::string("no ") + libcrypto_file + " in this process");
    }
    return handle;
}

// What a program without ibid would call: stock(X509_verify, "X509_verify")(x, key).
template <class Function>
[[nodiscard]] Function* stock(Function&, const char* name) {
    void* const found = dlsym(libcrypto(), name);
    if (found == nullptr) {
        throw std::runtime_error(name);
    }
    return reinterpret_cast<Function*>(found);
}

// Whether its calls to itself are bound inside it (-Bsymbolic), as in upstream's default build and Ubuntu's.
// Found out without ibid, with binutils, which every compiler needs.
[[nodiscard]] inline bool symbolic() {
    static const bool answer = [] {
        link_map* map = nullptr;
        dlinfo(libcrypto(), RTLD_DI_LINKMAP, &map);
        const std::string relocations = "readelf --wide --relocs '" + std::string(map->l_name) + "'";
        if (std::system((relocations + " >/dev/null").c_str()) != 0) {
            throw std::runtime_error(relocations);
        }
        return std::system((relocations + " | grep -q ' X509_verify@'").c_str()) != 0;
    }();
    return answer;
}

} // namespace ibid::test
