// SPDX-License-Identifier: Apache-2.0
//
// A plugin that writes to a certificate of its own.
#include <openssl/pem.h>
#include <openssl/x509.h>

int touch(const char* path) {
    BIO* const in = BIO_new_file(path, "r");
    X509* const x = PEM_read_bio_X509(in, NULL, NULL, NULL);
    BIO_free(in);
    ASN1_TIME_set(X509_getm_notAfter(x), 0);
    X509_set_version(x, 1);
    const int size = X509_cmp_current_time(X509_get0_notAfter(x)) + (int)X509_get_version(x);
    X509_free(x);
    return size;
}
