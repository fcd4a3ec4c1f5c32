// SPDX-License-Identifier: Apache-2.0
//
// Threads with the smallest possible stack, 16 KiB, and OpenSSL's fibers: small_threads WHAT.
// SAFETY_STACK_USED: bytes of the stack that are used already.
#include "support.h"

#include <alloca.h>
#include <limits.h>

static const char* what;
static SSL_CTX* server;
static SSL_CTX* client;
static X509* leaf;
static unsigned char der[8192];
static long size;

static void* run(void* unused) {
    const char* const used = getenv("SAFETY_STACK_USED");
    volatile char* const reserved = alloca(used ? strtoul(used, NULL, 10) : 1);
    reserved[0] = 0;
    for (int i = 0; i < 4; ++i) {
        int result = 0;
        if (strcmp(what, "file") == 0 || strcmp(what, "list") == 0) {
            SSL_CTX* const c = SSL_CTX_new(TLS_client_method());
            result = SSL_CTX_load_verify_locations(
                c, pki(strcmp(what, "file") == 0 ? "trust.bundle.pem" : "crls.bundle.pem"), NULL);
            SSL_CTX_free(c);
        } else if (strcmp(what, "folder") == 0) {
            X509_STORE* const s = X509_STORE_new();
            result = X509_STORE_load_path(s, pki("trust.d"));
            X509_STORE_CTX* const c = X509_STORE_CTX_new();
            X509_STORE_CTX_init(c, s, leaf, NULL);
            result += X509_verify_cert(c) * 10;
            X509_STORE_CTX_free(c);
            X509_STORE_free(s);
        } else if (strcmp(what, "verify") == 0) {
            X509_STORE_CTX* const c = X509_STORE_CTX_new();
            X509_STORE_CTX_init(c, SSL_CTX_get_cert_store(client), leaf, NULL);
            result = X509_verify_cert(c);
            X509_STORE_CTX_free(c);
        } else if (strcmp(what, "parse") == 0) {
            const unsigned char* p = der;
            X509* const x = d2i_X509(NULL, &p, size);
            result = x != NULL;
            X509_free(x);
        }
        printf("%d: %d\n", i, result);
        fflush(stdout);
    }
    return unused;
}

int main(int argc, char** argv) {
    MUST(argc > 1);
    what = argv[1];
    server = server_context("server");
    client = client_context("chain.bundle.pem", NULL);
    leaf = certificate_in("server.cert.pem");
    size = read_file(pki("client.cert.der"), der, sizeof der);
    if (strcmp(what, "fiber") == 0) { // ASYNC_start_job: 32 KiB
        SSL_CTX_set_mode(client, SSL_MODE_ASYNC);
        SSL_CTX_set_mode(server, SSL_MODE_ASYNC);
        demand(server, "chain.bundle.pem");
        present(client, "client");
        for (int i = 0; i < 4; ++i) {
            printf("handshake %d\n", visit(client, server));
        }
        tell_hits();
        return 0;
    }
    if (argc <= 2) {
        visit(client, server);
    }
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    MUST(pthread_attr_setstacksize(&attributes, 16384) == 0);
    pthread_t thread;
    MUST(pthread_create(&thread, &attributes, run, NULL) == 0);
    pthread_join(thread, NULL);
    puts("done");
    return 0;
}
