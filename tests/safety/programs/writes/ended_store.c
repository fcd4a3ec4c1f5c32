// SPDX-License-Identifier: Apache-2.0
//
// The trust store that has verified an attacher's connection ends before the connection, and newer stores,
// one of them at its address, load the same file. Data that is attached through the connection's chain is the
// chain's.
#include "support.h"

enum { NEWER = 8 };

static int data_index;

static const char* data_of(X509* x) {
    const char* const found = X509_get_ex_data(x, data_index);
    return found ? found : "none";
}

static X509* root_of(X509_STORE* store) {
    return X509_OBJECT_get0_X509(sk_X509_OBJECT_value(X509_STORE_get0_objects(store), 0));
}

int main(void) {
    data_index = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    SSL_CTX* const server = server_context("server");
    SSL_CTX* const first = client_context("root.cert.pem", NULL);
    SSL_CTX* const second = client_context("root.cert.pem", NULL);
    struct tls other = handshake(second, server);
    struct tls t = prepare(second, server); // which keeps its first context
    SSL_set_SSL_CTX(t.client, first);
    t.done = drive(t.client, t.server);
    show_result("tls", &t);
    SSL_set_SSL_CTX(t.client, second);
    SSL_CTX_free(first);

    X509_STORE* newer[NEWER];
    for (int i = 0; i < NEWER; ++i) {
        newer[i] = X509_STORE_new();
        MUST(newer[i] && X509_STORE_load_file(newer[i], pki("root.cert.pem")) == 1);
    }
    STACK_OF(X509)* const chain = SSL_get0_verified_chain(t.client);
    X509* const root = sk_X509_value(chain, sk_X509_num(chain) - 1);
    MUST(X509_set_ex_data(root, data_index, "the connection's"));
    for (int i = 0; i < NEWER; ++i) {
        printf("newer: %s\n", data_of(root_of(newer[i])));
        X509_STORE_free(newer[i]);
    }
    printf("its own: %s\n", data_of(root));
    finish(&other);
    finish(&t);
    SSL_CTX_free(second);
    SSL_CTX_free(server);
    puts("end");
    tell_hits();
    return 0;
}
