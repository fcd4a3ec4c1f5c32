// SPDX-License-Identifier: Apache-2.0
//
// A connection's lists of certificates are the program's to change: built with -DWRITES or -DATTACHES, run as
// lists HOW. A list owns its certificates, so the program frees one that it has removed. OpenSSL verifies the
// changed list, and the program finds it later.
#include "support.h"

static const char* how;

static int is(const char* what) {
    return strcmp(how, what) == 0;
}

static void take_last(STACK_OF(X509) * list) {
    X509_free(sk_X509_pop(list));
}

static int verify(X509_STORE_CTX* verification, void* unused) {
    (void)unused;
    STACK_OF(X509)* const sent = X509_STORE_CTX_get0_untrusted(verification);
    if (is("strip")) {
        take_last(sent);
    } else if (is("add")) {
        sk_X509_push(sent, certificate_in("mid.cert.pem"));
    }
#ifdef WRITES
    if (is("spoil")) {
        ASN1_TIME_set(X509_getm_notAfter(X509_STORE_CTX_get0_cert(verification)), 1000);
    }
#endif
    const int result = X509_verify_cert(verification);
    printf("verified: %d %d\n", result, X509_STORE_CTX_get_error(verification));
    return result;
}

static int at_each(int ok, X509_STORE_CTX* verification) {
    if (X509_STORE_CTX_get_error_depth(verification) == 0) {
        take_last(X509_STORE_CTX_get0_chain(verification));
    }
    return ok;
}

int main(int argc, char** argv) {
    MUST(argc > 1);
    how = argv[1];
#ifdef WRITES
    NAME(X509_alias_set1(NULL, NULL, 0));
#else
    NAME(X509_set_ex_data(NULL, 0, NULL));
#endif
    SSL_CTX* const server = server_context("server");
    if (is("add")) { // a server that sends only its leaf
        MUST(SSL_CTX_clear_chain_certs(server));
    }
    SSL_CTX* const client = client_context("trust.bundle.pem", NULL);
    if (is("strip") || is("add") || is("spoil")) {
        SSL_CTX_set_cert_verify_callback(client, &verify, NULL);
    } else if (is("each")) {
        SSL_CTX_set_verify(client, SSL_VERIFY_PEER, &at_each);
    }
    for (int i = 0; i < 8; ++i) {
        struct tls t = handshake(client, server);
        show_result("tls", &t);
        if (t.done == 1) {
            STACK_OF(X509)* const list =
                is("verified") ? SSL_get0_verified_chain(t.client) : SSL_get_peer_cert_chain(t.client);
            if (is("sent") || is("verified")) {
                take_last(list);
            }
            STACK_OF(X509)* const again =
                is("verified") ? SSL_get0_verified_chain(t.client) : SSL_get_peer_cert_chain(t.client);
            printf("the same list: %d, of %d; the peer is its first: %d\n", list == again, sk_X509_num(again),
                   sk_X509_value(again, 0) == SSL_get0_peer_certificate(t.client));
        }
        finish(&t);
    }
    tell_hits();
    return 0;
}
