// SPDX-License-Identifier: Apache-2.0
//
// A program jumps out of OpenSSL (siglongjmp after a timeout, longjmp out of a callback), which leaks some
// memory in stock. Afterwards everything works as before: jumps_out FROM. -DWRITES: the program then writes
// to a certificate of its own.
#include "support.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/stat.h>

static sigjmp_buf environment;
static int armed;

static void on_alarm(int number) {
    (void)number;
    siglongjmp(environment, 1);
}

static void leave(void) {
    if (armed) {
        armed = 0;
        siglongjmp(environment, 1);
    }
}

static int on_verify(int ok, X509_STORE_CTX* c) {
    (void)c;
    leave();
    return ok;
}

static int on_whole(X509_STORE_CTX* c, void* unused) {
    (void)unused;
    leave();
    return X509_verify_cert(c);
}

static void on_info(const SSL* s, int where, int result) {
    (void)s, (void)where, (void)result;
    leave();
}

static int on_issuer(X509** issuer, X509_STORE_CTX* c, X509* x) {
    leave();
    return X509_STORE_CTX_get1_issuer(issuer, c, x);
}

static long on_io(BIO* b, int operation, const char* data, size_t n, int i, long l, int result,
                  size_t* done) {
    (void)b, (void)operation, (void)data, (void)n, (void)i, (void)l, (void)done;
    leave();
    return result;
}

static void on_new(void* parent, void* pointer, CRYPTO_EX_DATA* data, int index, long l, void* p) {
    (void)parent, (void)pointer, (void)data, (void)index, (void)l, (void)p;
    leave();
}

static void own_certificates(void) {
    X509* const a = certificate_in("client.cert.pem");
    X509* const b = certificate_in("client.cert.pem");
    printf("two parses: %s\n", a == b ? "one object" : "two objects");
#ifdef WRITES
    ASN1_TIME_set(X509_getm_notAfter(a), 0);
#endif
    show("first", a);
    show("second", b);
    X509_free(a);
    X509_free(b);
    SSL_CTX* const one = server_context("server");
    SSL_CTX* const two = server_context("server");
    printf("two contexts present: %s\n",
           SSL_CTX_get0_certificate(one) == SSL_CTX_get0_certificate(two) ? "one object" : "two objects");
    SSL_CTX_free(one);
    SSL_CTX_free(two);
}

int main(int argc, char** argv) {
    MUST(argc > 1);
    const char* const from = argv[1];
    if (strcmp(from, "key-new") == 0) {
        CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_EVP_PKEY, 0, NULL, on_new, NULL, NULL);
    }
    SSL_CTX* const server = server_context("server");
    demand(server, "trust.bundle.pem");
    SSL_CTX* const client = client_context("trust.bundle.pem", "client");
    MUST(visit(client, server) == 1);
    signal(SIGALRM, on_alarm);
    MUST(mkfifo("fifo", 0600) == 0);
    SSL_CTX* const mine = client_context("trust.bundle.pem", "client");
    struct tls t = {NULL, NULL, 0};
    for (int round = 0; round < 3; ++round) {
        if (!sigsetjmp(environment, 1)) {
            armed = 1;
            if (strcmp(from, "file") == 0) {
                ualarm(100000, 0);
                SSL_CTX_load_verify_locations(mine, "fifo", NULL);
            } else if (strcmp(from, "crl") == 0) {
                ualarm(100000, 0);
                X509_LOOKUP* const l =
                    X509_STORE_add_lookup(SSL_CTX_get_cert_store(mine), X509_LOOKUP_file());
                X509_load_crl_file(l, "fifo", X509_FILETYPE_PEM);
            } else if (strcmp(from, "key-new") == 0) {
                X509_STORE_load_file(SSL_CTX_get_cert_store(mine), pki("chain.bundle.pem"));
            } else {
                t = prepare(mine, server);
                if (strcmp(from, "verify") == 0) {
                    SSL_set_verify(t.client, SSL_VERIFY_PEER, on_verify);
                } else if (strcmp(from, "server-verify") == 0) {
                    SSL_set_verify(t.server, SSL_VERIFY_PEER, on_verify);
                } else if (strcmp(from, "verify-whole") == 0) {
                    SSL_CTX_set_cert_verify_callback(mine, on_whole, NULL);
                    finish(&t);
                    t = prepare(mine, server);
                } else if (strcmp(from, "info") == 0) {
                    SSL_set_info_callback(t.client, on_info);
                } else if (strcmp(from, "issuer") == 0) {
                    X509_STORE_set_get_issuer(SSL_CTX_get_cert_store(mine),
                                              (X509_STORE_CTX_get_issuer_fn)on_issuer);
                } else if (strcmp(from, "io") == 0) {
                    BIO_set_callback_ex(SSL_get_rbio(t.client), on_io);
                }
                drive(t.client, t.server);
            }
            puts("came through");
        } else {
            puts("jumped out");
        }
        armed = 0;
        ERR_clear_error();
    }
    own_certificates();
    for (int i = 0; i < 2; ++i) {
        struct tls u = handshake(client, server);
        show_result("other connections", &u);
        show("peer", SSL_get0_peer_certificate(u.server));
        finish(&u);
    }
    SSL_CTX_free(client_context("crls.bundle.pem", NULL));
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    printf("cancellation is %s\n", state == PTHREAD_CANCEL_ENABLE ? "enabled" : "disabled");
    show_errors("left");
    tell_hits();
    return 0;
}
