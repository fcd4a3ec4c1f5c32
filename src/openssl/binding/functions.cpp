// SPDX-License-Identifier: Apache-2.0
#include "functions.h"

namespace ibid::openssl {

#define IBID_CHECK(name) all = all && this->name != nullptr;

bool functions::complete() const noexcept {
    bool all = true;
    IBID_OPENSSL_FUNCTIONS(IBID_CHECK)
    IBID_OPENSSL_DECODERS(IBID_CHECK)
    return all;
}

bool functions::has_libssl() const noexcept {
    bool all = true;
    IBID_LIBSSL_FUNCTIONS(IBID_CHECK)
    return all;
}

#undef IBID_CHECK

} // namespace ibid::openssl
