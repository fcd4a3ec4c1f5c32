// SPDX-License-Identifier: Apache-2.0
//
// Gives private objects to a trust store whose objects a writer may get.
#pragma once

#include "openssl/instance/libcrypto.h"

namespace ibid::openssl::interpose {

// Replaces each shared object in `store` by a duplicate. Call before a writer lists the store or verifies
// with it. Afterwards the store is like one that OpenSSL has loaded. `listed`: examine each object, even if
// no file of ibid was loaded.
void make_private(libcrypto& of, X509_STORE* store, bool listed);

} // namespace ibid::openssl::interpose
