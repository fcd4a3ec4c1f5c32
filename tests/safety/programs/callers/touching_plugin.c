// SPDX-License-Identifier: Apache-2.0
//
// A plugin that uses a little of OpenSSL.
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

// The number of bytes of the certificate in `path`. Everything is freed.
int touch(const char* path) {
    BIO* const in = BIO_new_file(path, "r");
    X509* const x = PEM_read_bio_X509(in, NULL, NULL, NULL);
    BIO_free(in);
    X509_STORE* const store = X509_STORE_new();
    const int loaded = X509_STORE_load_file(store, path);
    X509_STORE_free(store);
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    const int located = context ? SSL_CTX_load_verify_locations(context, path, NULL) : 0;
    SSL_CTX_free(context);
    const int size = i2d_X509(x, NULL);
    X509_free(x);
    return loaded && located ? size : 0;
}
