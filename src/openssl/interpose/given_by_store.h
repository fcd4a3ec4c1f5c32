// SPDX-License-Identifier: Apache-2.0
//
// What a function has given a writer from a trust store: exchanged for the store's duplicates, where the
// store itself keeps what is shared (private_store.h).
#pragma once

#include "openssl/instance/libcrypto.h"

namespace ibid::openssl::interpose {

// `given` has a reference for the caller, and so has the result. Null is allowed.
[[nodiscard]] X509* given_by_store(libcrypto& of, const X509_STORE* store, X509* given);
[[nodiscard]] STACK_OF(X509) * given_by_store(libcrypto& of, const X509_STORE* store, STACK_OF(X509) * given);
[[nodiscard]] STACK_OF(X509_CRL) *
    given_by_store(libcrypto& of, const X509_STORE* store, STACK_OF(X509_CRL) * given);

// Copies, which only the caller has; they are changed.
X509_OBJECT* given_by_store(libcrypto& of, const X509_STORE* store, X509_OBJECT* copy);
[[nodiscard]] STACK_OF(X509_OBJECT) *
    given_by_store(libcrypto& of, const X509_STORE* store, STACK_OF(X509_OBJECT) * copies);

} // namespace ibid::openssl::interpose
