// SPDX-License-Identifier: Apache-2.0
//
// An attacher's trust store has a certificate that equals one of another store or of a connection, both from
// files: data stays with the object that the program attached it to. equal_in_store
// added|verified|later|pinned
#include "support.h"

static int data_index;

static const char* data_of(X509* x) {
    const char* const found = x ? X509_get_ex_data(x, data_index) : NULL;
    return found ? found : "none";
}

static X509* in_list(X509_STORE* store, int at) {
    return X509_OBJECT_get0_X509(sk_X509_OBJECT_value(X509_STORE_get0_objects(store), at));
}

static X509* root_of(const SSL* ssl) {
    STACK_OF(X509)* const chain = SSL_get0_verified_chain(ssl);
    return sk_X509_value(chain, sk_X509_num(chain) - 1);
}

// The store has an equal root already, so OpenSSL adds nothing.
static void add(SSL_CTX* server) {
    SSL_CTX* const clients[] = {client_context("root.cert.pem", NULL), client_context("root.cert.pem", NULL)};
    struct tls one = handshake(clients[0], server);
    struct tls two = handshake(clients[1], server);
    X509_STORE* const store = SSL_CTX_get_cert_store(clients[1]);
    X509* const root = root_of(one.client);
    MUST(X509_set_ex_data(root, data_index, "one"));
    printf("added %d\n", X509_STORE_add_cert(store, root));
    printf("objects %d, the same %d\n", sk_X509_OBJECT_num(X509_STORE_get0_objects(store)),
           in_list(store, 0) == root);
    printf("store: %s, its connection: %s\n", data_of(in_list(store, 0)), data_of(root_of(two.client)));
    MUST(X509_set_ex_data(root_of(two.client), data_index, "two"));
    printf("store: %s, other root: %s\n", data_of(in_list(store, 0)), data_of(root));
    finish(&one);
    finish(&two);
}

// A chain begins with the very certificate that is verified.
static void verify(SSL_CTX* server) {
    SSL_CTX* const client = client_context("chain.bundle.pem", NULL);
    struct tls t = handshake(client, server);
    X509* const sent = sk_X509_value(SSL_get_peer_cert_chain(t.client), 1);
    MUST(sent && X509_set_ex_data(sent, data_index, "sent"));
    X509_STORE* const store = SSL_CTX_get_cert_store(client);
    X509_STORE_CTX* const v = X509_STORE_CTX_new();
    MUST(X509_STORE_CTX_init(v, store, sent, NULL));
    printf("verified %d\n", X509_verify_cert(v));
    STACK_OF(X509)* const chain = X509_STORE_CTX_get0_chain(v);
    printf("of %d, first is it %d: %s\n", sk_X509_num(chain), sk_X509_value(chain, 0) == sent,
           data_of(sk_X509_value(chain, 0)));
    for (int i = 0; i < sk_X509_OBJECT_num(X509_STORE_get0_objects(store)); ++i) {
        printf("in the store: %s\n", data_of(in_list(store, i)));
    }
    X509_STORE_CTX_free(v);
    finish(&t);
}

// The store gets the intermediate after the peer was verified: the chain's is the peer's.
static void add_later(SSL_CTX* server) {
    SSL_CTX* const client = client_context("root.cert.pem", NULL);
    struct tls t = handshake(client, server);
    MUST(SSL_CTX_load_verify_locations(client, pki("mid.cert.pem"), NULL) == 1);
    X509* const verified = sk_X509_value(SSL_get0_verified_chain(t.client), 1);
    MUST(X509_set_ex_data(verified, data_index, "verified"));
    printf("sent: %s\n", data_of(sk_X509_value(SSL_get_peer_cert_chain(t.client), 1)));
    X509_STORE* const store = SSL_CTX_get_cert_store(client);
    for (int i = 0; i < sk_X509_OBJECT_num(X509_STORE_get0_objects(store)); ++i) {
        printf("in the store: %s\n", data_of(in_list(store, i)));
    }
    printf("again: %d\n", sk_X509_value(SSL_get0_verified_chain(t.client), 1) == verified);
    finish(&t);
}

// The store has the peer's certificate alone: the chain begins with the store's object.
static void pin(SSL_CTX* server) {
    SSL_CTX* const client = client_context("server.cert.pem", NULL);
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(client), X509_V_FLAG_PARTIAL_CHAIN);
    struct tls t = handshake(client, server);
    show_result("tls", &t);
    X509* const pinned = in_list(SSL_CTX_get_cert_store(client), 0);
    X509* const first = sk_X509_value(SSL_get0_verified_chain(t.client), 0);
    MUST(X509_set_ex_data(pinned, data_index, "pin"));
    printf("first of %d is the pin %d, the peer %d: %s\n", sk_X509_num(SSL_get0_verified_chain(t.client)),
           first == pinned, first == SSL_get0_peer_certificate(t.client), data_of(first));
    finish(&t);
}

int main(int argc, char** argv) {
    MUST(argc == 2);
    data_index = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    SSL_CTX* const server = server_context("server");
    const struct {
        const char* name;
        void (*run)(SSL_CTX*);
    } kinds[] = {{"added", &add}, {"verified", &verify}, {"later", &add_later}, {"pinned", &pin}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
        if (strcmp(argv[1], kinds[i].name) == 0) {
            kinds[i].run(server);
        }
    }
    puts("end");
    tell_hits();
    return 0;
}
