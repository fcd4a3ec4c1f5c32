// SPDX-License-Identifier: Apache-2.0
//
// Gives private objects to a trust store whose objects a writer may get.
#pragma once

#include "openssl/instance/libcrypto.h"

namespace ibid::openssl::interpose {

// What a writer does with a store.
enum class store_use {
    verifies,     // only what ibid has loaded matters. OpenSSL takes no lock, or cannot be waited for
    lists,        // each object matters; OpenSSL takes no lock
    lists_locked, // OpenSSL takes the store's lock, too, so ibid may wait for it
};

// Call before a writer uses the store. The store keeps each shared object without another owner, and gets a
// duplicate in place of each other one. Afterwards it is like a store that OpenSSL has loaded.
void make_private(libcrypto& of, X509_STORE* store, store_use use);

// An attacher's X509_STORE_add_cert: a shared certificate is then the store's object, too.
int add_to_store(libcrypto& of, X509_STORE* store, X509* x);

} // namespace ibid::openssl::interpose
