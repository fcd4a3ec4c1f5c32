// SPDX-License-Identifier: Apache-2.0
#include "caller.h"
#include "this_library.h"

namespace ibid::openssl {

library* this_library(const void* code) noexcept {
    return caller_of(code).of;
}

} // namespace ibid::openssl
