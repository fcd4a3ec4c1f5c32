// SPDX-License-Identifier: Apache-2.0
//
// Calls by which a program changes what sharing and remembering rest on: default library contexts,
// providers, engines, configuration, the end of OpenSSL.
#pragma once

#include "openssl/instance/libcrypto.h"

namespace ibid::openssl::interpose {

OSSL_LIB_CTX* set_default_context(libcrypto& of, OSSL_LIB_CTX* context);
void free_context(libcrypto& of, OSSL_LIB_CTX* context);
// OPENSSL_cleanup(), where that is how a program says that OpenSSL may end.
void clean_up(libcrypto& of);

// After a call that changes what algorithms there are: nothing that was parsed or verified before is taken as
// such any more.
void after_reconfiguration(libcrypto& of);

} // namespace ibid::openssl::interpose
