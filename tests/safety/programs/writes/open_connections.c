// SPDX-License-Identifier: Apache-2.0
//
// Certificates of connections that are open when ibid finds that the program may write: built with -DATTACHES
// (at its first getter of this kind) or run as open_connections HOW PLUGIN (by dlopen). Objects that in stock
// outlive a connection can still be read afterwards: through its session, a copy of the session, its store,
// or its session's free function.
#include "support.h"

static const char* how;

static int is(const char* what) {
    return strcmp(how, what) == 0;
}

// Freed memory is overwritten.
static void spoil_free_memory(void) {
    void* blocks[600];
    for (int size = 32; size <= 1024; size *= 2) {
        for (int i = 0; i < 600; ++i) {
            blocks[i] = malloc((size_t)size);
            MUST(blocks[i]);
            memset(blocks[i], 0x5a, (size_t)size);
        }
        for (int i = 0; i < 600; ++i) {
            free(blocks[i]);
        }
    }
}

static void show_name(const char* what, const X509* x) {
    char name[256];
    spoil_free_memory();
    printf("%s: %s\n", what, x ? X509_NAME_oneline(X509_get_subject_name(x), name, sizeof name) : "none");
}

struct seen {
    X509* peer;
    X509* sent;
    X509* verified;
    X509* root;
};

static struct seen look_at(const SSL* ssl) {
    STACK_OF(X509)* const verified = SSL_get0_verified_chain(ssl);
    const struct seen s = {SSL_get0_peer_certificate(ssl), sk_X509_value(SSL_get_peer_cert_chain(ssl), 0),
                           sk_X509_value(verified, 1), sk_X509_value(verified, sk_X509_num(verified) - 1)};
    return s;
}

static void at_end(void* session, void* peer, CRYPTO_EX_DATA* data, int index, long l, void* p) {
    (void)data, (void)index, (void)l, (void)p;
    if (peer) {
        show_name("session ends, peer before", peer);
        show_name("session ends, peer now", SSL_SESSION_get0_peer(session));
    }
}

static void at_removal(SSL_CTX* context, SSL_SESSION* session) {
    (void)context;
    show_name("session is removed, peer now", SSL_SESSION_get0_peer(session));
}

static X509* in_callback[4];

static int at_each(int ok, X509_STORE_CTX* verification) {
    const int depth = X509_STORE_CTX_get_error_depth(verification);
    if (depth < 4) {
        in_callback[depth] = X509_STORE_CTX_get_current_cert(verification);
    }
    return ok;
}

static X509* root_of_store(const SSL_CTX* context) {
    STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
    return X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, 0));
}

int main(int argc, char** argv) {
    MUST(argc > 1);
    how = argv[1];
#ifdef ATTACHES
    NAME(X509_set_ex_data(NULL, 0, NULL));
#endif
    SSL_CTX* const server = server_context("server");
    demand(server, "trust.bundle.pem");
    SSL_CTX* const clients[] = {client_context("trust.bundle.pem", "client"),
                                client_context("trust.bundle.pem", "client")};
    if (is("removed")) {
        SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_SERVER);
        SSL_CTX_sess_set_remove_cb(server, &at_removal);
        SSL_CTX_set_options(server, SSL_OP_NO_TICKET);
        SSL_CTX_set_max_proto_version(server, TLS1_2_VERSION);
    } else if (is("callback")) {
        SSL_CTX_set_verify(clients[0], SSL_VERIFY_PEER, &at_each);
        SSL_CTX_set_verify(clients[1], SSL_VERIFY_PEER, &at_each);
    }
    struct tls open[4];
    for (int i = 0; i < 4; ++i) {
        open[i] = handshake(clients[i % 2], server);
        show_result("tls", &open[i]);
        read_tickets(&open[i]);
    }
#ifndef ATTACHES
    struct seen before[4];
    for (int i = 0; i < 4; ++i) {
        before[i] = look_at(open[i].client);
    }
    MUST(argc > 2 && dlopen(argv[2], RTLD_NOW));
#endif
    const int index = CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL_SESSION, 0, NULL, NULL, NULL, &at_end);
    for (int i = 0; i < 4; ++i) {
        struct tls* const t = &open[i];
        const struct seen now = look_at(t->client);
        X509* const of_server = SSL_get0_peer_certificate(t->server);
        printf("one object by each getter: %d %d %d\n", now.peer == now.sent,
               now.root == root_of_store(clients[i % 2]),
               of_server == SSL_SESSION_get0_peer(SSL_get_session(t->server)));
        if (is("end")) {
            SSL_SESSION_set_ex_data(SSL_get_session(t->client), index, now.peer);
            SSL_SESSION_set_ex_data(SSL_get_session(t->server), index, of_server);
        }
        SSL_SESSION* const held = is("held")   ? SSL_get1_session(t->client)
                                  : is("copy") ? SSL_SESSION_dup(SSL_get_session(t->client))
                                               : NULL;
        SSL_SESSION* const held_by_server = is("held")   ? SSL_get1_session(t->server)
                                            : is("copy") ? SSL_SESSION_dup(SSL_get_session(t->server))
                                                         : NULL;
        if (is("removed")) {
            SSL_CTX_remove_session(server, SSL_get_session(t->server));
        }
        if (is("callback")) {
            show_name("leaf in the callback", in_callback[0]);
        }
        finish(t);
        if (held) {
            show_name("peer after the connection", now.peer);
            show_name("sent after the connection", now.sent);
            show_name("verified after the connection", now.verified);
            show_name("client's peer after the connection", of_server);
            show_name("of the session", SSL_SESSION_get0_peer(held));
            show_name("of the server's session", SSL_SESSION_get0_peer(held_by_server));
            printf("the same: %d %d\n", SSL_SESSION_get0_peer(held) == now.peer,
                   SSL_SESSION_get0_peer(held_by_server) == of_server);
#ifndef ATTACHES
            show_name("peer before", before[i].peer);
            show_name("sent before", before[i].sent);
#endif
            SSL_SESSION_free(held);
            SSL_SESSION_free(held_by_server);
        }
        show_name("root after the connection", now.root);
#ifndef ATTACHES
        show_name("root before", before[i].root);
#endif
    }
    SSL_CTX_free(clients[0]);
    SSL_CTX_free(clients[1]);
    SSL_CTX_free(server);
    puts("end");
    tell_hits();
    return 0;
}
