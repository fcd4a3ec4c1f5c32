// SPDX-License-Identifier: Apache-2.0
//
// Gives private objects to a trust store whose objects a writer may get.
#pragma once

#include "openssl/instance/libcrypto.h"

namespace ibid::openssl::interpose {

// Call before a writer lists the store or verifies with it. The store keeps each shared object without
// another owner, and gets a duplicate in place of each other one. Afterwards it is like a store that OpenSSL
// has loaded. `listed`: look at each object, also if ibid has loaded no file into it.
void make_private(libcrypto& of, X509_STORE* store, bool listed);

// An attacher's X509_STORE_add_cert: a shared certificate is then the store's object, too.
int add_to_store(libcrypto& of, X509_STORE* store, X509* x);

} // namespace ibid::openssl::interpose
