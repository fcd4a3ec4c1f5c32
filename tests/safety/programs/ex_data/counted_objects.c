// SPDX-License-Identifier: Apache-2.0
//
// A program that is told of each object of a class, and counts them: counted_objects CLASS, a number of
// openssl/crypto.h. Two contexts load a CA file, and verify a peer.
#include "support.h"

static int made;
static int freed;

static void on_new(void* object, void* data, CRYPTO_EX_DATA* all, int index, long number, void* pointer) {
    (void)object, (void)data, (void)all, (void)index, (void)number, (void)pointer;
    ++made;
}

static void on_free(void* object, void* data, CRYPTO_EX_DATA* all, int index, long number, void* pointer) {
    (void)object, (void)data, (void)all, (void)index, (void)number, (void)pointer;
    ++freed;
}

int main(int argc, char** argv) {
    MUST(argc == 2);
    MUST(CRYPTO_get_ex_new_index(atoi(argv[1]), 0, NULL, &on_new, NULL, &on_free) >= 0);
    SSL_CTX* const server = server_context("server");
    for (int i = 0; i < 2; ++i) {
        SSL_CTX* const client = client_context("trust.bundle.pem", NULL);
        printf("tls %d, made %d, freed %d\n", visit(client, server), made, freed);
        SSL_CTX_free(client);
        printf("made %d, freed %d\n", made, freed);
    }
    SSL_CTX_free(server);
    printf("end: made %d, freed %d\n", made, freed);
    return 0;
}
