// SPDX-License-Identifier: Apache-2.0
//
// A writer gets its peer's objects by callbacks, and by functions that are not a connection's own getters:
// built with -DHOW=NUMBER. They return the same object as the getters, and a later connection does not see
// what was written to it.
#include <openssl/ct.h>

#include "../support.h"

static X509* lent;

#if HOW == 1
static UNUSED int look(const CT_POLICY_EVAL_CTX* about, const STACK_OF(SCT) * scts, void* unused) {
    (void)scts;
    (void)unused;
    lent = CT_POLICY_EVAL_CTX_get0_cert(about);
    return 1;
}
#endif

#if HOW == 3
static UNUSED int is_issued(X509_STORE_CTX* verification, X509* x, X509* issuer) {
    (void)verification;
    lent = X509_check_ca(x) == 0 ? x : lent;
    return X509_check_issued(issuer, x) == X509_V_OK;
}
#elif HOW == 4
static UNUSED int parse(SSL* ssl, unsigned type, unsigned context, const unsigned char* in, size_t size,
                        X509* x, size_t depth, int* alert, void* unused) {
    (void)ssl, (void)type, (void)context, (void)in, (void)size, (void)alert, (void)unused;
    lent = depth == 0 && x ? x : lent;
    return 1;
}
static UNUSED int add(SSL* ssl, unsigned type, unsigned context, const unsigned char** out, size_t* size,
                      X509* x, size_t depth, int* alert, void* unused) {
    (void)ssl, (void)type, (void)context, (void)x, (void)depth, (void)alert, (void)unused;
    *out = (const unsigned char*)"z";
    *size = 1;
    return 1;
}
#endif

static void attend(SSL_CTX* client, SSL_CTX* server) {
    (void)server;
#if HOW == 1
    MUST(SSL_CTX_set_ct_validation_callback(client, &look, NULL) == 1);
#elif HOW == 3
    X509_STORE_set_check_issued(SSL_CTX_get_cert_store(client), (X509_STORE_CTX_check_issued_fn)is_issued);
#elif HOW == 4
    const unsigned where = SSL_EXT_TLS1_3_CERTIFICATE | SSL_EXT_CLIENT_HELLO;
    MUST(SSL_CTX_add_custom_ext(client, 1234, where, &add, NULL, NULL, &parse, NULL) == 1);
    MUST(SSL_CTX_add_custom_ext(server, 1234, where, &add, NULL, NULL, &parse, NULL) == 1);
#else
    MUST(SSL_CTX_dane_enable(client) == 1);
#endif
}

static struct tls meet(SSL_CTX* client, SSL_CTX* server) {
    struct tls t = prepare(client, server);
#if HOW == 2
    static unsigned char der[8192];
    const long size = read_file(pki("server.cert.der"), der, sizeof der);
    MUST(SSL_dane_enable(t.client, "localhost") == 1);
    MUST(SSL_dane_tlsa_add(t.client, 3, 0, 0, der, (size_t)size) == 1);
#endif
    t.done = drive(t.client, t.server);
#if HOW == 2
    MUST(SSL_get0_dane_authority(t.client, &lent, NULL) >= 0);
#endif
    return t;
}

int main(void) {
    SSL_CTX* const server = server_context("server");
    SSL_CTX* const client = client_context("trust.bundle.pem", NULL);
    attend(client, server);
    for (int i = 0; i < 3; ++i) {
        struct tls t = meet(client, server);
        show_result("a connection", &t);
        MUST(lent);
        printf("the peer's object: %d, alias %s\n", lent == SSL_get0_peer_certificate(t.client),
               X509_alias_get0(lent, NULL) ? (const char*)X509_alias_get0(lent, NULL) : "none");
        MUST(X509_alias_set1(lent, (const unsigned char*)"mine", 4) == 1);
        const unsigned char* const alias = X509_alias_get0(SSL_get0_peer_certificate(t.client), NULL);
        printf("the peer's alias: %s\n", alias ? (const char*)alias : "none");
        show_errors("a connection");
        finish(&t);
    }
    return 0;
}
