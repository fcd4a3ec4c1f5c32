// SPDX-License-Identifier: Apache-2.0
//
// The process exits while OpenSSL is in use: exits HOW. Code that runs at exit still uses OpenSSL.
#include "support.h"

#include <stdatomic.h>

static const char* how;
static SSL_CTX* server;
static SSL_CTX* client;
static struct tls open_connection;
static atomic_int running;

static void at_end(void) {
    if (strcmp(how, "before-openssl") == 0) {
        printf("at the end: context %d\n", SSL_CTX_new(TLS_client_method()) != NULL);
    } else {
        show("peer", SSL_get0_peer_certificate(open_connection.client));
        if (strcmp(how, "in-verify") != 0) { // a context is in use there
            printf("at the end: handshake %d\n", visit(client, server));
        }
    }
    fflush(stdout);
}

#if OPENSSL_VERSION_MAJOR < 4
// Inside OPENSSL_cleanup(): OpenSSL finds no algorithm any more.
static void at_openssls_end(void) {
    X509_STORE* const trusted = X509_STORE_new();
    X509_STORE_CTX* const v = X509_STORE_CTX_new();
    STACK_OF(X509)* const chain = SSL_get_peer_cert_chain(open_connection.client);
    printf("a known file: %d\n", trusted ? X509_STORE_load_file(trusted, pki("trust.bundle.pem")) : -1);
    if (v && X509_STORE_CTX_init(v, SSL_CTX_get_cert_store(client), sk_X509_value(chain, 1), chain)) {
        const int verified = X509_verify_cert(v);
        printf("a known chain: %d, error %d\n", verified, X509_STORE_CTX_get_error(v));
    }
    X509_STORE_CTX_free(v);
    X509_STORE_free(trusted);
    fflush(stdout);
}
#endif

static int on_verify(int ok, X509_STORE_CTX* c) {
    (void)c;
    if (strcmp(how, "in-verify") == 0) {
        exit(7);
    }
    return ok;
}

static void* busy(void* unused) {
    for (;;) {
        visit(client, server);
        atomic_fetch_add(&running, 1);
    }
    return unused;
}

__attribute__((destructor)) static void last(void) {
    if (strcmp(how, "destructor") == 0) {
        printf("destructor: context %d\n", SSL_CTX_new(TLS_client_method()) != NULL);
        finish(&open_connection);
        fflush(stdout);
    }
}

int main(int argc, char** argv) {
    MUST(argc > 1);
    how = argv[1];
    if (strcmp(how, "before-openssl") == 0) {
        atexit(at_end); // runs after OpenSSL's own clean-up
    }
    server = server_context("server");
    client = client_context("trust.bundle.pem", NULL);
    open_connection = handshake(client, server);
    MUST(open_connection.done == 1);
    if (strcmp(how, "at-exit") == 0) {
        atexit(at_end);
    } else if (strcmp(how, "openssl-at-exit") == 0) {
#if OPENSSL_VERSION_MAJOR < 4
        MUST(visit(client, server) == 1);
        MUST(OPENSSL_atexit(at_openssls_end));
#else
        not_in_this_openssl();
#endif
    } else if (strcmp(how, "cleanup") == 0) {
        OPENSSL_cleanup();
        printf("context %d\n", SSL_CTX_new(TLS_client_method()) != NULL);
        puts("cleaned");
        return 0;
    } else if (strcmp(how, "threads") == 0) {
        pthread_t threads[3];
        for (int i = 0; i < 3; ++i) {
            pthread_create(&threads[i], NULL, busy, NULL);
        }
        while (atomic_load(&running) < 20) {
            usleep(1000);
        }
        puts("leaving");
        fflush(stdout);
        _exit(3);
    } else if (strcmp(how, "in-verify") == 0) {
        SSL_CTX_set_verify(client, SSL_VERIFY_PEER, on_verify);
        atexit(at_end);
        puts("leaving");
        visit(client, server);
    }
    puts("leaving");
    return 5;
}
