// SPDX-License-Identifier: Apache-2.0
//
// Many untrusted clients connect, each twice, with certificates of the maximum size, and leave: crowd COUNT.
// Figure: the growth of heap memory in use, in bytes.
#include "support.h"

#include <malloc.h>

static int on_verify(int ok, X509_STORE_CTX* c) {
    (void)ok, (void)c;
    return 1; // the server accepts every client
}

static size_t in_use(void) {
    const struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

int main(int argc, char** argv) {
    MUST(argc > 1);
    SSL_CTX* const server = server_context("server");
    demand(server, "trust.bundle.pem");
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER, on_verify);
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(server, 0);
    SSL_CTX* const client = client_context("trust.bundle.pem", "client");
    MUST(visit(client, server) == 1);
    const size_t before = in_use();
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < atoi(argv[1]); ++i) {
            char name[32];
            snprintf(name, sizeof name, "crowd/%d.der", i);
            MUST(SSL_CTX_use_certificate_file(client, pki(name), SSL_FILETYPE_ASN1) == 1);
            MUST(SSL_CTX_use_PrivateKey_file(client, pki("client.key.pem"), SSL_FILETYPE_PEM) == 1);
            MUST(visit(client, server) == 1);
        }
    }
    present(client, "client");
    MUST(visit(client, server) == 1);
    figure("kept", (double)in_use() - (double)before);
    puts("done");
    return 0;
}
