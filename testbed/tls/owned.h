// SPDX-License-Identifier: Apache-2.0
//
// Owners of OpenSSL's objects, for the C++ programs of tests, benchmarks and fuzzers.
//
// Law: uses only OpenSSL's public API, and nothing of ibid. Names only functions that free: a program that
// names a setter counts as a writer (src/openssl/modules/module_class.h).
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace testbed {

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};

template <class T, auto Free>
using owned = std::unique_ptr<T, freed_by<Free>>;

using owned_bio = owned<BIO, BIO_free_all>;
using owned_key = owned<EVP_PKEY, EVP_PKEY_free>;
using owned_x509 = owned<X509, X509_free>;
using owned_crl = owned<X509_CRL, X509_CRL_free>;
using owned_store = owned<X509_STORE, X509_STORE_free>;
using owned_verification = owned<X509_STORE_CTX, X509_STORE_CTX_free>;
using owned_context = owned<SSL_CTX, SSL_CTX_free>;
using owned_session = owned<SSL_SESSION, SSL_SESSION_free>;
using owned_ssl = owned<SSL, SSL_free>;

} // namespace testbed
