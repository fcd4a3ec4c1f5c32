// SPDX-License-Identifier: Apache-2.0
//
// The libcrypto that this test runs on: its own functions, without ibid before them, and how it was linked.
#pragma once

#include <dlfcn.h>
#include <link.h>

#include <stdexcept>

namespace ibid::test {

[[nodiscard]] inline void* libcrypto() {
    static void* const handle = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_NOLOAD);
    if (handle == nullptr) {
        throw std::runtime_error("no libcrypto.so.3 in this process");
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

// Whether its calls to itself are bound inside it (-Bsymbolic), as in upstream's default build.
[[nodiscard]] inline bool symbolic() {
    link_map* map = nullptr;
    dlinfo(libcrypto(), RTLD_DI_LINKMAP, &map);
    for (const ElfW(Dyn)* d = map->l_ld; d->d_tag != DT_NULL; ++d) {
        if (d->d_tag == DT_SYMBOLIC || (d->d_tag == DT_FLAGS && (d->d_un.d_val & DF_SYMBOLIC) != 0)) {
            return true;
        }
    }
    return false;
}

} // namespace ibid::test
