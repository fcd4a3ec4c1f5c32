// SPDX-License-Identifier: Apache-2.0
//
// Calls that another library's hook may intercept: trust files, four handshakes (two of them before the
// hook's switch is set), parses, and a chain verified without a connection.
#include "support.h"

int main(void) {
    SSL_CTX* const server = server_context("server");
    X509* const middle = certificate_in("mid.cert.pem");
    SSL_CTX* const client = SSL_CTX_new(TLS_client_method());
    printf("locations %d", SSL_CTX_load_verify_locations(client, pki("trust.bundle.pem"), NULL));
    printf(" file %d", SSL_CTX_load_verify_file(client, pki("trust.bundle.pem")));
    printf(" store %d\n", X509_STORE_load_file(SSL_CTX_get_cert_store(client), pki("chain.bundle.pem")));
    show_errors("trust");
    STACK_OF(X509_OBJECT)* const trusted = X509_STORE_get0_objects(SSL_CTX_get_cert_store(client));
    for (int i = 0; i < sk_X509_OBJECT_num(trusted); ++i) {
        show("trusted", X509_OBJECT_get0_X509(sk_X509_OBJECT_value(trusted, i)));
    }
    int* const hook_refuses_now = dlsym(RTLD_DEFAULT, "hook_refuses_now");
    SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
    for (int i = 0; i < 4; ++i) {
        if (i == 2 && hook_refuses_now) {
            *hook_refuses_now = 1;
        }
        struct tls t = handshake(client, server);
        show_result("tls", &t);
        show_errors("tls");
        finish(&t);
    }
    unsigned char der[8192];
    const long size = read_file(pki("server.cert.der"), der, sizeof der);
    for (int i = 0; i < 2; ++i) {
        const unsigned char* p = der;
        X509* const x = d2i_X509(NULL, &p, size);
        printf("parsed %d\n", x != NULL);
        show_errors("parse");
        X509_STORE_CTX* const c = X509_STORE_CTX_new();
        MUST(X509_STORE_CTX_init(c, SSL_CTX_get_cert_store(client), x ? x : middle, NULL));
        const int result = X509_verify_cert(c);
        printf("checked %d %d\n", result, X509_STORE_CTX_get_error(c));
        X509_STORE_CTX_free(c);
        X509_free(x);
    }
    tell_hits();
    return 0;
}
