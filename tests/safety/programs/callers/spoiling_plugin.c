// SPDX-License-Identifier: Apache-2.0
//
// A plugin that changes its peer's certificates, and their root, so that they are expired.
#include <openssl/ssl.h>

void spoil(SSL* ssl);

void spoil(SSL* ssl) {
    STACK_OF(X509)* const chain = SSL_get0_verified_chain(ssl);
    for (int i = 0; i < sk_X509_num(chain); ++i) {
        ASN1_TIME_set(X509_getm_notAfter(sk_X509_value(chain, i)), 1000);
    }
}
