// SPDX-License-Identifier: Apache-2.0
//
// A thread is cancelled inside OpenSSL: only this thread ends, and the process continues. cancelled WHAT: a
// request is pending when the call begins, so the first cancellation point inside (open, read, …) takes it.
// cancelled WHAT N: the thread is cancelled at its N-th allocation, for each N up to 400 in a process of its
// own.
#include "support.h"

#include <sys/wait.h>

extern void* __libc_malloc(size_t);

static __thread long left;

void* malloc(size_t n) {
    if (left && --left == 0) {
        pthread_cancel(pthread_self());
        pthread_testcancel();
    }
    return __libc_malloc(n);
}

static const char* what;
static unsigned char der[16384];
static long size;
static SSL_CTX* server;
static SSL_CTX* client;
static X509_STORE* folder;

static void work(void) {
    if (strcmp(what, "session") == 0) {
        const unsigned char* p = der;
        SSL_SESSION_free(d2i_SSL_SESSION(NULL, &p, size));
    } else if (strcmp(what, "file") == 0) {
        SSL_CTX_load_verify_locations(client, pki("crls.bundle.pem"), NULL);
    } else if (strcmp(what, "store") == 0) {
        X509_STORE_load_file(SSL_CTX_get_cert_store(client), pki("trust.bundle.pem"));
    } else if (strcmp(what, "default") == 0) {
        SSL_CTX_set_default_verify_paths(client);
    } else if (strcmp(what, "chain") == 0) {
        SSL_CTX_use_certificate_chain_file(client, pki("client.chain.pem"));
    } else if (strcmp(what, "handshake") == 0) {
        visit(client, server);
    } else if (strcmp(what, "folder") == 0) {
        X509_STORE_CTX* const c = X509_STORE_CTX_new();
        X509* const x = certificate_in("root.cert.pem");
        X509_STORE_CTX_init(c, folder, x, NULL);
        X509_verify_cert(c);
        X509_STORE_CTX_free(c);
    }
}

static void* run(void* n) {
    if (n) {
        left = (long)n;
    } else {
        pthread_cancel(pthread_self());
    }
    work();
    left = 0;
    // A cancellation point that only stock or only ibid reaches must make no difference.
    pthread_testcancel();
    return NULL;
}

static int one(long n) {
    pthread_t thread;
    void* result;
    pthread_create(&thread, NULL, run, (void*)n);
    pthread_join(thread, &result);
    return result == PTHREAD_CANCELED;
}

static void prepare_all(void) {
    server = server_context("server");
    client = client_context("trust.bundle.pem", NULL);
    folder = X509_STORE_new();
    X509_STORE_load_path(folder, pki("trust.d"));
    X509_STORE_set_flags(folder, X509_V_FLAG_CRL_CHECK);
}

int main(int argc, char** argv) {
    MUST(argc > 1);
    what = argv[1];
    if (strcmp(what, "save") ==
        0) { // makes the file that `session` reads, so that reading it can be the first use of OpenSSL
        prepare_all();
        SSL_CTX_set_max_proto_version(server, TLS1_2_VERSION);
        struct tls t = handshake(client, server);
        MUST(t.done == 1);
        unsigned char* p = der;
        size = i2d_SSL_SESSION(SSL_get0_session(t.client), &p);
        FILE* const f = fopen(argv[2], "wb");
        MUST(f && fwrite(der, 1, (size_t)size, f) == (size_t)size);
        fclose(f);
        return 0;
    }
    if (strcmp(what, "session") == 0) {
        size = read_file(argv[2], der, sizeof der);
    } else {
        prepare_all();
        work(); // once, so that there can be a hit
    }
    const int sweep = strcmp(argv[argc - 1], "sweep") == 0;
    if (!sweep) {
        for (int i = 0; i < 3; ++i) {
            printf("thread was cancelled: %d\n", one(0));
            fflush(stdout);
        }
        if (!server) {
            prepare_all();
        }
        printf("afterwards: handshake %d\n", visit(client, server));
    } else {
        int odd = 0;
        int cancelled = 0;
        for (long n = 1; n <= 400; ++n) {
            const pid_t child = fork();
            if (child == 0) {
                alarm(5);
                _exit(one(n));
            }
            int status;
            waitpid(child, &status, 0);
            if (!WIFEXITED(status)) {
                printf("at %ld: signal %d\n", n, WTERMSIG(status));
                ++odd;
            } else {
                cancelled += WEXITSTATUS(status);
            }
        }
        printf("ended by signals %d, some were cancelled %d\n", odd, cancelled > 0);
    }
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    printf("cancellation is %s\n", state == PTHREAD_CANCEL_ENABLE ? "enabled" : "disabled");
    return 0;
}
