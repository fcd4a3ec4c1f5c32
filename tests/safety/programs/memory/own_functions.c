// SPDX-License-Identifier: Apache-2.0
//
// A program's own memory functions under OpenSSL. Each block has a mark in front of it. If a block without a
// mark is freed, the process ends. At the end, the number of blocks in use must be the same as in stock.
#include "support.h"

#include <stdatomic.h>

static const size_t magic = 0x6962696473616665;
static atomic_long alive;

static void* take(size_t n, const char* file, int line) {
    (void)file, (void)line;
    size_t* const block = malloc(n + 16);
    block[0] = magic;
    block[1] = n;
    atomic_fetch_add(&alive, 1);
    return block + 2;
}

static void give(void* p, const char* file, int line) {
    (void)file, (void)line;
    if (p) {
        size_t* const block = (size_t*)p - 2;
        if (block[0] != magic) {
            fputs("a block that is not the program's\n", stdout);
            fflush(stdout);
            abort();
        }
        block[0] = 0;
        atomic_fetch_sub(&alive, 1);
        free(block);
    }
}

static void* resize(void* p, size_t n, const char* file, int line) {
    void* const q = take(n, file, line);
    if (p) {
        const size_t old = ((size_t*)p)[-1];
        memcpy(q, p, old < n ? old : n);
        give(p, file, line);
    }
    return q;
}

int main(void) {
    MUST(CRYPTO_set_mem_functions(take, resize, give));
    SSL_CTX* const server = server_context("server");
    demand(server, "trust.bundle.pem");
    SSL_CTX* const client = client_context("trust.bundle.pem", "client");
    MUST(visit(client, server) == 1);
    SSL_CTX_free(client_context("crls.bundle.pem", NULL));
    const long before = atomic_load(&alive);
    for (int i = 0; i < 20; ++i) {
        MUST(visit(client, server) == 1);
        SSL_CTX_free(client_context("crls.bundle.pem", NULL));
        SSL_CTX_free(client_context("chain.bundle.pem", "other"));
    }
    printf("blocks that twenty rounds leave: %d or more\n", atomic_load(&alive) - before > 200 ? 200 : 0);
    unsigned char* der = NULL;
    X509* const x = certificate_in("client.cert.pem");
    MUST(i2d_X509(x, &der) > 0);
    give(der, "", 0); // memory that OpenSSL returned is from the program's functions
    X509_free(x);
    void* (*m)(size_t, const char*, int);
    void* (*r)(void*, size_t, const char*, int);
    void (*f)(void*, const char*, int);
    CRYPTO_get_mem_functions(&m, &r, &f);
    printf("functions %d %d %d, too late %d\n", m == take, r == resize, f == give,
           CRYPTO_set_mem_functions(take, resize, give));
    puts("done");
    return 0;
}
