// SPDX-License-Identifier: Apache-2.0
//
// A plugin that uses only libcrypto.
#include <openssl/pem.h>
#include <openssl/x509.h>

int touch(const char* path) {
    BIO* const in = BIO_new_file(path, "r");
    X509* const x = PEM_read_bio_X509(in, NULL, NULL, NULL);
    BIO_free(in);
    unsigned char* der = NULL;
    const int size = i2d_X509(x, &der);
    X509_free(x);
    const unsigned char* p = der;
    X509_free(d2i_X509(NULL, &p, size));
    OPENSSL_free(der);
    return ASN1_ITEM_rptr(X509) ? size : 0;
}
