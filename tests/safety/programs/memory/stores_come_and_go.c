// SPDX-License-Identifier: Apache-2.0
//
// An attacher adds a peer's certificate to stores: again and again to one that has it already, or to one more
// store in each round. stores_come_and_go one|many. Prints how much the heap has grown after the first
// rounds.
#include <malloc.h>

#include "support.h"

enum { warm = 2000, rounds = 8000 };

static size_t heap_in_use(void) {
    const struct mallinfo2 heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
}

int main(int argc, char** argv) {
    MUST(argc == 2);
    const int many = strcmp(argv[1], "many") == 0;
    const int index = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    NAME(X509_set_ex_data(NULL, index, NULL));
    SSL_CTX* const server = server_context("server");
    SSL_CTX* const client = client_context("root.cert.pem", NULL);
    X509_STORE* const one = X509_STORE_new();
    struct tls t = handshake(client, server);
    size_t before = 0;
    for (int i = 0; i < rounds; ++i) {
        if (i == warm) {
            before = heap_in_use();
        }
        if (!many && i % 20 == 0) { // a new certificate object, as far as OpenSSL knows
            finish(&t);
            t = handshake(client, server);
        }
        X509* const peer = SSL_get1_peer_certificate(t.client);
        X509_STORE* const store = many ? X509_STORE_new() : one;
        MUST(peer && store && X509_STORE_add_cert(store, peer));
        X509_free(peer);
        if (many) {
            X509_STORE_free(store);
        }
    }
    fprintf(stderr, "figure grown %zd\n", (ssize_t)(heap_in_use() - before));
    finish(&t);
    X509_STORE_free(one);
    puts("end");
    tell_hits();
    return 0;
}
