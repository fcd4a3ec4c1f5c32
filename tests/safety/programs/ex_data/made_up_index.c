// SPDX-License-Identifier: Apache-2.0
//
// An ex_data index that was never registered: OpenSSL accepts any index, and registers them from 1 on. Data
// at such an index, on objects that ibid shares: made_up_index INDEX
// looks|stores|sessions|attaches|roots|frees
//
// -DATTACHES: the program references X509_set_ex_data.
#include "support.h"

static int made_up;

static void show_data(const char* what, const char* data) {
    printf("%s: %s\n", what, data ? data : "nothing");
}

static void on_store(X509_STORE* s) {
    show_data("the store before", X509_STORE_get_ex_data(s, made_up));
    MUST(X509_STORE_set_ex_data(s, made_up, "mine"));
    show_data("the store at the next", X509_STORE_get_ex_data(s, made_up + 1));
    MUST(X509_STORE_set_ex_data(s, made_up + 1, "another"));
}

static void on_session(SSL_SESSION* s) {
    show_data("the session before", SSL_SESSION_get_ex_data(s, made_up));
    MUST(SSL_SESSION_set_ex_data(s, made_up, "mine"));
    show_data("the session at the next", SSL_SESSION_get_ex_data(s, made_up + 1));
    MUST(SSL_SESSION_set_ex_data(s, made_up + 1, "another"));
    show_data("the session", SSL_SESSION_get_ex_data(s, made_up));
}

#ifdef ATTACHES
static void on_peer(SSL* ssl) {
    for (int i = 0; i < 2; ++i) {
        X509* const peer = SSL_get1_peer_certificate(ssl);
        show_data("the peer before", X509_get_ex_data(peer, made_up));
        MUST(X509_set_ex_data(peer, made_up, "mine"));
        show_data("the peer at the next", X509_get_ex_data(peer, made_up + 1));
        MUST(X509_set_ex_data(peer, made_up + 1, "another"));
        show_data("the peer", X509_get_ex_data(peer, made_up));
        X509_free(peer);
    }
}

static void on_roots(X509_STORE* s) {
    STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(s);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
        X509* const root = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        show_data("a root before", root ? X509_get_ex_data(root, made_up) : NULL);
        if (root) {
            MUST(X509_set_ex_data(root, made_up, "mine"));
        }
    }
}
#endif

int main(int argc, char** argv) {
    const char* const way = argc > 2 ? argv[2] : "looks";
    made_up = argc > 1 ? atoi(argv[1]) : 1;
    SSL_CTX* const server = server_context("server");
    demand(server, "trust.bundle.pem");
    for (int round = 0; round < 3; ++round) {
        SSL_CTX* const client = client_context("trust.bundle.pem", "client");
        SSL_CTX* const other = client_context("trust.bundle.pem", "client");
        X509_STORE* const store = SSL_CTX_get_cert_store(client);
        struct tls t = handshake(client, server);
        show_result("tls", &t);
        if (!strcmp(way, "stores")) {
            on_store(store);
        } else if (!strcmp(way, "sessions")) {
            on_session(SSL_get0_session(t.server));
        } else if (!strcmp(way, "frees")) {
            printf("freed: %d %d\n", CRYPTO_free_ex_index(CRYPTO_EX_INDEX_X509, made_up),
                   CRYPTO_free_ex_index(CRYPTO_EX_INDEX_X509_STORE, made_up));
#ifdef ATTACHES
        } else if (!strcmp(way, "attaches")) {
            on_peer(t.server);
        } else if (!strcmp(way, "roots")) {
            on_roots(store);
#endif
        } else {
            show_data("at the peer", X509_get_ex_data(SSL_get0_peer_certificate(t.server), made_up));
            show_data("at its key",
                      EVP_PKEY_get_ex_data(X509_get0_pubkey(SSL_get0_peer_certificate(t.client)), made_up));
        }
        struct tls u = handshake(other, server);
        show_result("another", &u);
        finish(&u);
        if (!strcmp(way, "stores")) {
            show_data("the store", X509_STORE_get_ex_data(store, made_up));
        }
        finish(&t);
        SSL_CTX_free(client);
        SSL_CTX_free(other);
    }
    tell_hits();
    return 0;
}
