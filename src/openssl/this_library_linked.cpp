// SPDX-License-Identifier: Apache-2.0
#include "this_library.h"

namespace ibid::openssl {

library* this_library(const void*) noexcept {
    static library* const linked = [] {
        functions f;
#define IBID_TAKE(name) f.name = &::name;
        IBID_OPENSSL_FUNCTIONS(IBID_TAKE)
        IBID_OPENSSL_DECODERS(IBID_TAKE)
        IBID_OPENSSL_SETTERS(IBID_TAKE)
        IBID_OPENSSL_CRL_SETTERS(IBID_TAKE)
#undef IBID_TAKE
        return library::get(reinterpret_cast<const void*>(&::OpenSSL_version_num), f);
    }();
    return linked;
}

} // namespace ibid::openssl
