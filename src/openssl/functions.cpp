// SPDX-License-Identifier: Apache-2.0
#include "functions.h"

#include <dlfcn.h>

#include <type_traits>

namespace ibid::openssl {

void functions::resolve(void* library) noexcept {
    const auto look_up = [&](auto& pointer, const char* name) {
        pointer = reinterpret_cast<std::remove_reference_t<decltype(pointer)>>(dlsym(library, name));
    };
#define IBID_RESOLVE(name) look_up(this->name, #name);
    IBID_OPENSSL_FUNCTIONS(IBID_RESOLVE)
    IBID_OPENSSL_OUTER_PARSERS(IBID_RESOLVE)
    IBID_OPENSSL_DECODERS(IBID_RESOLVE)
    IBID_OPENSSL_SETTERS(IBID_RESOLVE)
    IBID_OPENSSL_CRL_SETTERS(IBID_RESOLVE)
    IBID_OPENSSL_KEY_SETTERS(IBID_RESOLVE)
    IBID_OPENSSL_RECONFIGURATIONS(IBID_RESOLVE)
#undef IBID_RESOLVE
}

bool functions::complete() const noexcept {
    bool all = true;
#define IBID_CHECK(name) all = all && this->name != nullptr;
    IBID_OPENSSL_FUNCTIONS(IBID_CHECK)
    IBID_OPENSSL_DECODERS(IBID_CHECK)
    IBID_OPENSSL_SETTERS(IBID_CHECK)
    IBID_OPENSSL_CRL_SETTERS(IBID_CHECK)
#undef IBID_CHECK
    return all;
}

} // namespace ibid::openssl
