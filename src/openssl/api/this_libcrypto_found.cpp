// SPDX-License-Identifier: Apache-2.0
#include "this_libcrypto.h"

namespace ibid::openssl {

libcrypto* this_libcrypto() noexcept {
    return libcrypto::any();
}

} // namespace ibid::openssl
