// SPDX-License-Identifier: Apache-2.0
//
// Tells a program which features of ibid work with the libcrypto of its process.
#pragma once

#include "openssl/instance/libcrypto.h"

#define IBID_OPENSSL_NO_INLINE
#include "ibid_openssl.h"

namespace ibid::openssl {

// Null: the feature works with this libcrypto. Else why not.
[[nodiscard]] const char* why_not(libcrypto& l, ibid_openssl_feature feature) noexcept;

} // namespace ibid::openssl
