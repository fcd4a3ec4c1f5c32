// SPDX-License-Identifier: Apache-2.0
//
// A plugin whose constructor uses OpenSSL (as static objects of C++ wrappers do) while another thread of its
// host uses it.
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>

extern void host_in_constructor(void) __attribute__((weak));
extern const char* host_trusted(void) __attribute__((weak));

__attribute__((constructor)) static void begin(void) {
    host_in_constructor(); // returns when the host has reached the wanted point
    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    if (SSL_CTX_load_verify_locations(context, host_trusted(), NULL) != 1) {
        abort();
    }
    SSL_CTX_free(context);
}

__attribute__((destructor)) static void end(void) {
    X509_STORE* const store = X509_STORE_new();
    X509_STORE_load_file(store, host_trusted());
    X509_STORE_free(store);
}
