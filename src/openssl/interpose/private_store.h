// SPDX-License-Identifier: Apache-2.0
//
// Gives private objects to a trust store whose objects a writer may get.
#pragma once

#include "openssl/instance/libcrypto.h"

namespace ibid::openssl::interpose {

// What a writer does with a store.
enum class store_use {
    verifies,     // only what ibid has loaded matters. OpenSSL takes no lock, or cannot be waited for
    finds,        // each object matters; OpenSSL takes no lock
    finds_locked, // OpenSSL takes the store's lock, too, so ibid may wait for it
    lists,        // the program has OpenSSL's own list, of which it takes no lock
};

// Call before a writer uses the store. The store keeps each shared object without another owner, and gets a
// duplicate in place of each other one. Afterwards it is like a store that OpenSSL has loaded.
//
// Objects can only be replaced in a list. In 4.0 a store is a hash table until somebody asks for its list,
// and then OpenSSL frees the table and its objects, which another thread may have found. So there, while
// there are other threads, the store keeps what is shared, and only the program gets duplicates
// (given_by_store.h).
void make_private(libcrypto& of, X509_STORE* store, store_use use);

// The store's duplicate of a shared certificate, lent; made if there is none. Null: no memory.
[[nodiscard]] X509* duplicate_in_store(libcrypto& of, owner_id store, X509* x);

// An attacher's X509_STORE_add_cert: a shared certificate is then the store's object, too.
int add_to_store(libcrypto& of, X509_STORE* store, X509* x);

} // namespace ibid::openssl::interpose
