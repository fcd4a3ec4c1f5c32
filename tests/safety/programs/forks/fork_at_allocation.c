// SPDX-License-Identifier: Apache-2.0
//
// A thread is stopped at its N-th allocation inside OpenSSL; another one forks; the child does the same work:
// fork_at_allocation WORK ALLOCATOR FIRST STEP LAST. ALLOCATOR: `openssl` (CRYPTO_set_mem_functions),
// `malloc` (the program's own malloc). Each N has its own process, forked before there is a second thread, so
// each N starts with the same memory. Figures: how many children hung.
#include "support.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

extern void* __libc_malloc(size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_calloc(size_t, size_t);

static __thread long left;
static atomic_int stopped;
static atomic_int go_on;
static int own_malloc;

static void count(void) {
    if (left && --left == 0) {
        atomic_store(&stopped, 1);
        while (!atomic_load(&go_on)) {
            usleep(100);
        }
    }
}

void* malloc(size_t n) {
    if (own_malloc) {
        count();
    }
    return __libc_malloc(n);
}

void* realloc(void* p, size_t n) {
    if (own_malloc) {
        count();
    }
    return __libc_realloc(p, n);
}

void* calloc(size_t n, size_t m) {
    if (own_malloc) {
        count();
    }
    return __libc_calloc(n, m);
}

static void* openssl_malloc(size_t n, const char* file, int line) {
    (void)file, (void)line;
    count();
    return __libc_malloc(n);
}

static void* openssl_realloc(void* p, size_t n, const char* file, int line) {
    (void)file, (void)line;
    count();
    return __libc_realloc(p, n);
}

static void openssl_free(void* p, const char* file, int line) {
    (void)file, (void)line;
    free(p);
}

static const char* what;
static SSL_CTX* server;
static SSL_CTX* client;

static int work(void) {
    if (strcmp(what, "handshake") == 0) {
        return visit(client, server) == 1;
    }
    SSL_CTX* const c = SSL_CTX_new(TLS_client_method());
    int ok;
    if (strcmp(what, "folder") == 0) {
        ok = SSL_CTX_load_verify_locations(c, NULL, pki("trust.d"));
    } else {
        ok = SSL_CTX_load_verify_locations(c, pki("crls.bundle.pem"), NULL);
    }
    X509* const x = certificate_in("server.cert.pem");
    X509* const middle = certificate_in("mid.cert.pem");
    STACK_OF(X509)* const chain = sk_X509_new_null();
    sk_X509_push(chain, middle);
    X509_STORE_CTX* const v = X509_STORE_CTX_new();
    X509_STORE_CTX_init(v, SSL_CTX_get_cert_store(c), x, chain);
    X509_STORE_CTX_set_flags(v, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    ok &= X509_verify_cert(v) == 1;
    X509_STORE_CTX_free(v);
    sk_X509_pop_free(chain, X509_free);
    X509_free(x);
    SSL_CTX_free(c);
    return ok;
}

static void* run(void* n) {
    left = (long)n;
    const long ok = work();
    const long over = left; // the work has fewer than N allocations
    left = 0;
    atomic_store(&stopped, 1);
    return (void*)(ok | (over ? 2 : 0));
}

// 0: good; 1: the child failed; 2: it hung; plus 4 if the thread failed; plus 8 if there is no N-th
// allocation.
static int one(long n) {
    pthread_t thread;
    pthread_create(&thread, NULL, run, (void*)n);
    while (!atomic_load(&stopped)) {
        usleep(50);
    }
    const pid_t child = fork();
    if (child == 0) {
        alarm(3);
        if (strcmp(what, "handshake") == 0) {
            outlast_first_certificates();
        }
        _exit(work() ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    atomic_store(&go_on, 1);
    void* result;
    pthread_join(thread, &result);
    return (WIFSIGNALED(status) ? 2 : status != 0) | ((long)result & 1 ? 0 : 4) | ((long)result & 2 ? 8 : 0);
}

int main(int argc, char** argv) {
    MUST(argc > 5);
    what = argv[1];
    own_malloc = strcmp(argv[2], "malloc") == 0;
    if (!own_malloc) {
        MUST(CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free));
    }
    server = server_context("server");
    client = client_context("trust.bundle.pem", "client");
    demand(server, "trust.bundle.pem");
    // OpenSSL's one-time initialization, without the files and peers of the work.
    SSL_CTX_free(SSL_CTX_new(TLS_client_method()));
    X509_free(certificate_in("stranger.cert.pem"));
    {
        SSL_CTX* const s = server_context("stranger");
        SSL_CTX* const c = client_context("roots.bundle.pem", NULL);
        MUST(visit(c, s) == 1);
        SSL_CTX_free(s);
        SSL_CTX_free(c);
    }
    int hung = 0;
    int failed = 0;
    int thread_failed = 0;
    int tried = 0;
    for (long n = atol(argv[3]); n <= atol(argv[5]); n += atol(argv[4])) {
        const pid_t each = fork();
        if (each == 0) {
            alarm(20);
            if (strcmp(what, "handshake") == 0) {
                outlast_first_certificates();
            }
            _exit(one(n));
        }
        int status;
        waitpid(each, &status, 0);
        if (!WIFEXITED(status)) {
            printf("at %ld: the process was ended by signal %d\n", n, WTERMSIG(status));
            continue;
        }
        const int found = WEXITSTATUS(status);
        if (found & 8) {
            break;
        }
        ++tried;
        if ((found & 3) == 2) {
            ++hung;
            figure("hung_at", (double)n);
        }
        failed += (found & 3) == 1;
        thread_failed += (found & 4) != 0;
    }
    printf("failed children %d, failed threads %d\n", failed, thread_failed);
    figure("hung", hung);
    figure("tried", tried);
    return 0;
}
