// SPDX-License-Identifier: Apache-2.0
//
// Memory runs out while a program that attaches data asks for its peer, and another connection has the same
// peer: without_memory HOW. HOW: held (by SSL_get1_peer_certificate) or lent. Later the connection gets the
// same object again, with the data that it attached.
#include "support.h"

extern void* __libc_malloc(size_t size);
extern void* __libc_calloc(size_t count, size_t size);
extern void* __libc_realloc(void* block, size_t size);

static __thread int out;

void* malloc(size_t size) {
    return out ? NULL : __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
    return out ? NULL : __libc_calloc(count, size);
}
void* realloc(void* block, size_t size) {
    return out ? NULL : __libc_realloc(block, size);
}

static int lends;

static X509* peer_of(const struct tls* t) {
    return lends ? SSL_get0_peer_certificate(t->server) : SSL_get1_peer_certificate(t->server);
}

static void give_back(X509* x) {
    if (!lends) {
        X509_free(x);
    }
}

int main(int argc, char** argv) {
    MUST(argc > 1);
    lends = strcmp(argv[1], "lent") == 0;
    SSL_CTX* const server = server_context("server");
    demand(server, "trust.bundle.pem");
    SSL_CTX* const client = client_context("trust.bundle.pem", "client");
    const int index = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    struct tls one = handshake(client, server);
    struct tls other = handshake(client, server);
    show_result("one", &one);
    show_result("other", &other);
    X509* const held = peer_of(&one);
    out = 1;
    X509* const then = peer_of(&other);
    out = 0;
    X509* const now = peer_of(&other);
    printf("the same object: %d\n", then == now);
    char data = 0;
    MUST(X509_set_ex_data(then, index, &data));
    X509* const later = peer_of(&other);
    printf("its data is there: %d\n", X509_get_ex_data(later, index) == &data);
    give_back(held);
    give_back(then);
    give_back(now);
    give_back(later);
    finish(&one);
    finish(&other);
    puts("end");
    tell_hits();
    return 0;
}
