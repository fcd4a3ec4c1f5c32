// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL records some findings about a certificate late, and only for some checks. Contexts with and without
// a policy check connect to one server in turn: late_findings SERVER ORDER, where ORDER is letters: p(lain),
// s(trict: policies), f(lags are read first), x(X509 strict), n(name checks).
#include "support.h"

static int said[64];
static int count;

static int on_verify(int ok, X509_STORE_CTX* c) {
    if (!ok && count < 64) {
        said[count++] = X509_STORE_CTX_get_error(c) * 10 + X509_STORE_CTX_get_error_depth(c);
    }
    return 1;
}

int main(int argc, char** argv) {
    MUST(argc > 2);
    SSL_CTX* const server = server_context(argv[1]);
    struct tls kept[32];
    int n = 0;
    for (const char* c = argv[2]; *c && n < 32; ++c, ++n) {
        SSL_CTX* const client = client_context("chain.bundle.pem", NULL);
        SSL_CTX_set_verify(client, SSL_VERIFY_PEER, on_verify);
        X509_VERIFY_PARAM* const p = SSL_CTX_get0_param(client);
        if (*c == 's') {
            X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_POLICY_CHECK | X509_V_FLAG_EXPLICIT_POLICY);
        } else if (*c == 'x') {
            X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_X509_STRICT);
        } else if (*c == 'n') {
            X509_VERIFY_PARAM_set1_host(p, "localhost", 0);
        }
        count = 0;
        kept[n] = handshake(client, server);
        X509* const peer = SSL_get0_peer_certificate(kept[n].client);
        if (*c == 'f') {
            printf("purpose %d ", X509_check_purpose(peer, X509_PURPOSE_SSL_SERVER, 0));
        }
        printf("%c: handshake %d, result %ld, flags %x, ca %d, host %d, callbacks", *c, kept[n].done,
               SSL_get_verify_result(kept[n].client), X509_get_extension_flags(peer), X509_check_ca(peer),
               X509_check_host(peer, "localhost", 0, 0, NULL));
        for (int i = 0; i < count; ++i) {
            printf(" %d", said[i]);
        }
        puts("");
        show_errors("  queue");
    }
    for (int i = 0; i < n; ++i) {
        printf("later %x\n", X509_get_extension_flags(SSL_get0_peer_certificate(kept[i].client)));
        finish(&kept[i]);
    }
    tell_hits();
    return 0;
}
