// SPDX-License-Identifier: Apache-2.0
//
// Certificates and trust stores of OpenSSL 3 or 4 for C++ programs: one parsed copy of each for the process.
//
// Law: a certificate is an X509 with OpenSSL's own reference count; it is shared as long as it has a holder.
// Equal bytes give equal pointers. It may be passed to any OpenSSL function that only reads it.
//
//     ibid::openssl::certificate a = ibid::openssl::parse_certificate(der);
//     ibid::openssl::certificate b = ibid::openssl::parse_certificate(der);
//     assert(a == b);
//     SSL_CTX* context = SSL_CTX_new(TLS_client_method());
//     ibid::openssl::load_trust_store(SSL_CTX_get_cert_store(context), "/etc/ssl/certs/ca-certificates.crt");
//     ibid::openssl::attach(context);    // only without a preload or ibid's symbols
//
// The same functions in C, documented in more detail: ibid_openssl.h.
#pragma once

#include "ibid/detail/port/language.h"

#include <memory>
#include <span>

#include "ibid/statistics.h"
#include "ibid_openssl.h"

namespace ibid::openssl {

// Drops one reference.
struct x509_free {
    // As X509_free().
    void operator()(X509* x) const noexcept { X509_free(x); }
};
// An X509 with one reference of its owner's.
using certificate = std::unique_ptr<X509, x509_free>;

// Parses all of `der`: bytes after the certificate are an error. Empty on failure, with OpenSSL's errors.
[[nodiscard]] inline certificate parse_certificate(std::span<const unsigned char> der) {
    const unsigned char* p = der.data();
    certificate parsed(ibid_openssl_parse_certificate(&p, der.size()));
    return p == der.data() + der.size() ? std::move(parsed) : nullptr;
}

// PEM, certificates and CRLs. False with OpenSSL's errors.
inline bool load_trust_store(X509_STORE* store, const char* path) {
    return ibid_openssl_load_trust_store(store, path) == 1;
}

// From here on, what peers of `context` send is shared. See ibid_openssl_attach(), which this calls.
inline void attach(SSL_CTX* context) {
    ibid_openssl_attach(context);
}

} // namespace ibid::openssl
