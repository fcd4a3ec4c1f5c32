// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL's memory is shared between processes (Kamailio, OpenSIPS): one makes the connections, another ends
// them. shared_arena BEFORE [resume|crowd]: handshakes in the first process before it forks; whether the
// worker also resumes sessions of the first process, or serves many untrusted clients, each twice, so that
// all retained certificates are replaced.
#include "support.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { connections = 6 };

struct arena {
    atomic_int lock;
    size_t used;
    struct tls kept[connections];
    SSL_SESSION* session;
    char room[];
};
static struct arena* arena;
static const size_t arena_size = (size_t)1500 << 20;

// A block is never freed. Its size is stored in front of it.
static void* take(size_t n, const char* file, int line) {
    (void)file, (void)line;
    n = (n + 31) & ~(size_t)15;
    while (atomic_exchange(&arena->lock, 1)) {
    }
    const size_t at = arena->used;
    arena->used += n;
    atomic_store(&arena->lock, 0);
    if (at + n + sizeof *arena > arena_size) {
        abort();
    }
    *(size_t*)(arena->room + at) = n - 16;
    return arena->room + at + 16;
}

static void give(void* p, const char* file, int line) {
    (void)file, (void)line;
    if (p && ((char*)p < (char*)arena || (char*)p >= (char*)arena + arena_size)) {
        abort(); // not ours
    }
}

static void* resize(void* p, size_t n, const char* file, int line) {
    void* const q = take(n, file, line);
    if (p) {
        const size_t old = *(size_t*)((char*)p - 16);
        memcpy(q, p, old < n ? old : n);
    }
    return q;
}

static int take_all(int ok, X509_STORE_CTX* c) {
    (void)ok, (void)c;
    return 1;
}

int main(int argc, char** argv) {
    MUST(argc > 1);
    arena = mmap(NULL, arena_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(arena != MAP_FAILED);
    arena->used = 16 - ((size_t)arena->room & 15);
    MUST(CRYPTO_set_mem_functions(take, resize, give));
    SSL_CTX* const server = server_context("server");
    demand(server, "trust.bundle.pem");
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER, take_all);
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_OFF);
    SSL_CTX* const client = client_context("trust.bundle.pem", "client");
    SSL_CTX* const other = client_context("trust.bundle.pem", "other");
    for (int i = 0; i < atoi(argv[1]); ++i) {
        struct tls t = handshake(client, server);
        MUST(t.done == 1);
        read_tickets(&t);
        SSL_set_shutdown(t.client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        arena->session = SSL_get1_session(t.client);
        finish(&t);
    }
    const pid_t worker = fork();
    if (worker == 0) {
        for (int i = 0; i < connections; ++i) {
            struct tls t = prepare(i % 2 ? client : other, server);
            if (argc > 2 && strcmp(argv[2], "resume") == 0 && i % 2) {
                SSL_set_session(t.client, arena->session);
            }
            t.done = drive(t.client, t.server);
            MUST(t.done == 1);
            arena->kept[i] = t;
        }
        for (int i = 0; i < 40; ++i) {
            MUST(visit(i % 2 ? client : other, server) == 1);
            SSL_CTX_free(client_context(i % 3 ? "crls.bundle.pem" : "trust.bundle.pem", NULL));
        }
        for (int i = 0; i < 300 && argc > 2 && strcmp(argv[2], "crowd") == 0; ++i) {
            char name[32];
            snprintf(name, sizeof name, "crowd/%d.der", i / 2);
            MUST(SSL_CTX_use_certificate_file(other, pki(name), SSL_FILETYPE_ASN1) == 1);
            MUST(SSL_CTX_use_PrivateKey_file(other, pki("client.key.pem"), SSL_FILETYPE_PEM) == 1);
            MUST(visit(other, server) == 1);
        }
        _exit(0);
    }
    int status;
    waitpid(worker, &status, 0);
    printf("worker %d\n", status);
    void* own[2000];
    for (int i = 0; i < 2000; ++i) { // this process has private memory, too
        own[i] = malloc((size_t)(24 + i % 200));
        memset(own[i], 0x41, (size_t)(24 + i % 200));
    }
    for (int i = 0; i < connections; ++i) {
        show("ends", SSL_get0_peer_certificate(arena->kept[i].server));
        finish(&arena->kept[i]);
    }
    for (int i = 0; i < 3; ++i) {
        printf("handshake %d\n", visit(client, server));
    }
    for (int i = 0; i < 2000; ++i) {
        for (int k = 0; k < 24; ++k) {
            MUST(((char*)own[i])[k] == 0x41);
        }
    }
    puts("done");
    return 0;
}
