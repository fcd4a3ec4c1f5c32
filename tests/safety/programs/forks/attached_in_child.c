// SPDX-License-Identifier: Apache-2.0
//
// A process with several threads forks, and the child attaches data to a certificate of one of two stores of
// one file: attached_in_child WHERE. WHERE: connection (its verified root), new (a connection of the
// child's), or verification. What is found where is as in stock.
#include "support.h"

#include <sys/wait.h>

static SSL_CTX* server;
static SSL_CTX* clients[2];
static int data_index;

static X509* root_of(STACK_OF(X509) * chain) {
    return sk_X509_value(chain, sk_X509_num(chain) - 1);
}

static X509* object_of(SSL_CTX* context) {
    return X509_OBJECT_get0_X509(
        sk_X509_OBJECT_value(X509_STORE_get0_objects(SSL_CTX_get_cert_store(context)), 0));
}

static void show_data(const char* label, const X509* x) {
    const char* const data = X509_get_ex_data(x, data_index);
    printf("%s: %s\n", label, data ? data : "nothing");
}

static void attach(X509* x) {
    MUST(X509_set_ex_data(x, data_index, "attached"));
}

static void verify_and_attach(void) {
    X509* const leaf = certificate_in("server.cert.pem");
    STACK_OF(X509)* const sent = sk_X509_new_null();
    MUST(sent && sk_X509_push(sent, certificate_in("mid.cert.pem")));
    X509_STORE_CTX* const v = X509_STORE_CTX_new();
    MUST(v && X509_STORE_CTX_init(v, SSL_CTX_get_cert_store(clients[0]), leaf, sent));
    MUST(X509_verify_cert(v) == 1);
    STACK_OF(X509)* const chain = X509_STORE_CTX_get1_chain(v);
    attach(root_of(chain));
    sk_X509_pop_free(chain, X509_free);
    X509_STORE_CTX_free(v);
    sk_X509_pop_free(sent, X509_free);
    X509_free(leaf);
}

static void* idle(void* unused) {
    for (;;) {
        pause();
    }
    return unused;
}

int main(int argc, char** argv) {
    MUST(argc == 2);
    const char* const where = argv[1];
    data_index = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    pthread_t other;
    MUST(!pthread_create(&other, NULL, idle, NULL));
    server = server_context("server");
    struct tls open[2];
    for (int i = 0; i < 2; ++i) {
        clients[i] = client_context("root.cert.pem", NULL);
        open[i] = handshake(clients[i], server);
        show_result("connection", &open[i]);
    }
    fflush(stdout);
    tell_hits();
    const pid_t child = fork();
    if (child == 0) {
        if (!strcmp(where, "connection")) {
            attach(root_of(SSL_get0_verified_chain(open[0].client)));
        } else if (!strcmp(where, "new")) {
            struct tls t = handshake(clients[0], server);
            attach(root_of(SSL_get0_verified_chain(t.client)));
        } else {
            verify_and_attach();
        }
        show_data("the other store", object_of(clients[1]));
        show_data("the store", object_of(clients[0]));
        show_data("the other connection", root_of(SSL_get0_verified_chain(open[1].client)));
        show_data("the connection", root_of(SSL_get0_verified_chain(open[0].client)));
        fflush(stdout);
        _exit(0);
    }
    int status = 1;
    MUST(waitpid(child, &status, 0) == child);
    printf("child %d\n", status);
    return 0;
}
