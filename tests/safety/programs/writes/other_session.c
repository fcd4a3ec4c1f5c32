// SPDX-License-Identifier: Apache-2.0
//
// An attacher's connection gets another session, or none: other_session clear|none|other|renegotiated
// peer|chain. Its verified chain stays, with the certificate that its first session's peer is. Data that is
// attached through the chain is seen only there; data that is attached to a peer (a second connection's;
// "renegotiated": the first session's) only where that is in stock.
#include "support.h"

static int data_index;

static const char* data_of(X509* x) {
    const char* const found = x ? X509_get_ex_data(x, data_index) : NULL;
    return found ? found : "none";
}

static X509* leaf_of_chain(const SSL* ssl) {
    return sk_X509_value(SSL_get0_verified_chain(ssl), 0);
}

static void show_connection(const char* label, const SSL* ssl) {
    X509* const leaf = leaf_of_chain(ssl);
    X509* const peer = SSL_get0_peer_certificate(ssl);
    printf("%s: chain %s, peer %s, one object %d\n", label, data_of(leaf), data_of(peer), leaf == peer);
}

static void renegotiate(struct tls* t) {
    const SSL_SESSION* const before = SSL_get_session(t->server);
    MUST(SSL_renegotiate_abbreviated(t->client) == 1);
    for (int i = 0; i < 10; ++i) {
        char byte;
        (void)SSL_do_handshake(t->client);
        (void)SSL_read(t->server, &byte, 1);
        (void)SSL_read(t->client, &byte, 1);
    }
    ERR_clear_error();
    printf("resumed %d, another session %d\n", SSL_session_reused(t->server),
           SSL_get_session(t->server) != before);
}

int main(int argc, char** argv) {
    MUST(argc == 3);
    const char* const how = argv[1];
    const int by_chain = !strcmp(argv[2], "chain");
    data_index = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    SSL_CTX* const server = server_context("server");
    SSL_CTX* const client = client_context("root.cert.pem", "client");
    demand(server, "root.cert.pem");
    SSL_CTX_set_options(server, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
    SSL_CTX_set_session_id_context(server, (const unsigned char*)"safety", 6);
    SSL_CTX_set_max_proto_version(client, TLS1_2_VERSION);

    struct tls one = handshake(client, server);
    struct tls two = handshake(client, server);
    show_result("one", &one);
    show_result("two", &two);
    SSL* const ssl = !strcmp(how, "renegotiated") ? one.server : one.client;
    SSL* const other = ssl == one.server ? two.server : two.client;
    X509* mine = NULL;
    if (!strcmp(how, "clear")) {
        MUST(SSL_clear(ssl) == 1);
    } else if (!strcmp(how, "none")) {
        MUST(SSL_set_session(ssl, NULL) == 1);
    } else if (!strcmp(how, "other")) {
        MUST(SSL_set_session(ssl, SSL_get_session(other)) == 1);
    } else {
        mine = SSL_get1_peer_certificate(ssl);
        renegotiate(&one);
    }
    X509* const others = mine ? NULL : SSL_get1_peer_certificate(other);
    X509* const through = by_chain ? leaf_of_chain(ssl) : mine ? mine : others;
    MUST(X509_set_ex_data(through, data_index, "written"));
    printf("mine: %s, other's: %s\n", data_of(mine), data_of(others));
    show_connection("one", ssl);
    show_connection("two", other);
    X509_free(mine);
    X509_free(others);
    finish(&one);
    finish(&two);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    printf("end\n");
    tell_hits();
    return 0;
}
