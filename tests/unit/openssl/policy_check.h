// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL's own policy check of a certificate, which records in it what it finds.
#pragma once

#include <openssl/err.h>
#include <openssl/x509.h>

#include "certificates.h"

namespace ibid::test {

inline void check_policies(X509* x, const authority& root) {
    const store_ptr store(X509_STORE_new());
    X509_STORE_add_cert(store.get(), root.certificate.get());
    const testbed::owned_verification check(X509_STORE_CTX_new());
    X509_STORE_CTX_init(check.get(), store.get(), x, nullptr);
    X509_STORE_CTX_set_flags(check.get(), X509_V_FLAG_POLICY_CHECK);
    X509_STORE_CTX_set_verify_cb(check.get(), [](int, X509_STORE_CTX*) { return 1; });
    X509_verify_cert(check.get());
    ERR_clear_error();
}

} // namespace ibid::test
