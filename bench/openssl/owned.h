// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL's objects with owners, and its errors as exceptions.
//
// Law: the programs in this room know nothing of ibid. They use OpenSSL's public API as any application does, so what
// they measure is what an application gets.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace bench {

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};

using owned_bio = std::unique_ptr<BIO, freed_by<BIO_free_all>>;
using owned_certificate = std::unique_ptr<X509, freed_by<X509_free>>;
using owned_store = std::unique_ptr<X509_STORE, freed_by<X509_STORE_free>>;
using owned_context = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;
using owned_session = std::unique_ptr<SSL_SESSION, freed_by<SSL_SESSION_free>>;
using owned_ssl = std::unique_ptr<SSL, freed_by<SSL_free>>;

[[noreturn]] inline void fail(const std::string& what) {
    char reason[256] = "no error of OpenSSL's";
    if (const unsigned long error = ERR_get_error(); error != 0)
        ERR_error_string_n(error, reason, sizeof reason);
    throw std::runtime_error(what + ": " + reason);
}

// Passes on what an OpenSSL function returned, unless that says failure (null, zero or less).
template <class T>
T* require(T* result, const char* what) {
    if (result == nullptr)
        fail(what);
    return result;
}

inline int require(int result, const char* what) {
    if (result <= 0)
        fail(what);
    return result;
}

} // namespace bench
