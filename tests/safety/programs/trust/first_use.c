// SPDX-License-Identifier: Apache-2.0
//
// Functions that tell whether OpenSSL has read a certificate's extensions before.
#include <openssl/x509v3.h>

#include "support.h"

static X509* last_in(SSL_CTX* c) {
    STACK_OF(X509_OBJECT)* const all = X509_STORE_get0_objects(SSL_CTX_get_cert_store(c));
    X509* const x = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, sk_X509_OBJECT_num(all) - 1));
    MUST(x);
    return x;
}

int main(void) {
    AUTHORITY_KEYID* const other = AUTHORITY_KEYID_new();
    other->keyid = ASN1_OCTET_STRING_new();
    MUST(other->keyid && ASN1_OCTET_STRING_set(other->keyid, (const unsigned char*)"another key", 11) == 1);
    for (int i = 0; i < 3; ++i) {
        SSL_CTX* const client = client_context("chain.bundle.pem", NULL);
        X509* const x = last_in(client);
        printf("unread: %d", X509_check_akid(x, other));
        (void)X509_get_extension_flags(x);
        printf(", read: %d\n", X509_check_akid(x, other));
    }
    AUTHORITY_KEYID_free(other);
    puts("end");
    return 0;
}
