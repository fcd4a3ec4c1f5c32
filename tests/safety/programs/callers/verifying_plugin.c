// SPDX-License-Identifier: Apache-2.0
//
// A plugin that calls OpenSSL's functions and is not linked with OpenSSL, but with a library that defines
// them.
#include <openssl/ssl.h>

void plugin_verify(void) {
    X509_verify(NULL, NULL);
    X509_verify_cert(NULL);
    X509_free(SSL_get0_peer_certificate(NULL));
    SSL_CTX_load_verify_locations(NULL, NULL, NULL);
    d2i_X509(NULL, NULL, 0);
}
