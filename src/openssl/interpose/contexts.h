// SPDX-License-Identifier: Apache-2.0
//
// Calls that change the preconditions of sharing and remembering: default library contexts, providers,
// engines, configuration, the end of OpenSSL.
#pragma once

#include "openssl/instance/libcrypto.h"

namespace ibid::openssl::interpose {

OSSL_LIB_CTX* set_default_context(libcrypto& of, OSSL_LIB_CTX* context);
void free_context(libcrypto& of, OSSL_LIB_CTX* context);
// OPENSSL_cleanup(), in versions in which it announces OpenSSL's end.
void clean_up(libcrypto& of);

// Call after a change of the available algorithms: nothing that was parsed or verified before is used any
// more.
void after_reconfiguration(libcrypto& of);

} // namespace ibid::openssl::interpose
