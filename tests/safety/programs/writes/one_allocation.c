// SPDX-License-Identifier: Apache-2.0
//
// One allocation fails while a program that attaches data asks for its peer, and another connection has the
// same peer: each one in turn. The certificate that it gets has its key.
#include "support.h"

extern void* __libc_malloc(size_t size);
extern void* __libc_calloc(size_t count, size_t size);
extern void* __libc_realloc(void* block, size_t size);

static __thread long fails; // the n-th allocation from now; 0: none

static int is_out(void) {
    return fails && --fails == 0;
}
void* malloc(size_t size) {
    return is_out() ? NULL : __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
    return is_out() ? NULL : __libc_calloc(count, size);
}
void* realloc(void* block, size_t size) {
    return is_out() ? NULL : __libc_realloc(block, size);
}

int main(void) {
    SSL_CTX* const server = server_context("server");
    SSL_CTX* const client = client_context("trust.bundle.pem", NULL);
    NAME(X509_set_ex_data(NULL, 0, NULL));
    int keys = 0;
    int asked = 0;
    for (int failed = 1; failed != 0; ++asked) {
        struct tls one = handshake(client, server);
        struct tls other = handshake(client, server);
        MUST(one.done == 1 && other.done == 1);
        X509* const held = SSL_get1_peer_certificate(one.client);
        fails = asked + 1;
        X509* const own = SSL_get1_peer_certificate(other.client);
        failed = fails == 0 && asked < 2000; // else there was no n-th one
        fails = 0;
        MUST(own);
        keys += X509_get0_pubkey(own) != NULL;
        X509* const later = SSL_get1_peer_certificate(other.client);
        keys += X509_get0_pubkey(later) != NULL;
        X509_free(later);
        X509_free(own);
        X509_free(held);
        finish(&one);
        finish(&other);
        ERR_clear_error();
    }
    printf("without a key: %d\n", 2 * asked - keys);
    figure("allocations", asked);
    tell_hits();
    return 0;
}
