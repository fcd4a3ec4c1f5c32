// SPDX-License-Identifier: Apache-2.0
//
// Functions for the programs of tests/safety: certificates by name, contexts, TLS inside one process, and
// printing.
//
// Law: nothing here references an OpenSSL function that writes to certificates, CRLs, names, times or keys.
// The functions that a program *references* decide what ibid shares with it, so only the program's own file
// can make it a writer. All output on standard output is the same in every run of stock.
#ifndef IBID_TESTS_SAFETY_SUPPORT_H
#define IBID_TESTS_SAFETY_SUPPORT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define IBID_OPENSSL_NO_INLINE
#include "ibid_openssl.h"

#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                  \
            ERR_print_errors_fp(stderr);                                                                     \
            exit(99);                                                                                        \
        }                                                                                                    \
    } while (0)

#define UNUSED __attribute__((unused))

static UNUSED void not_in_this_openssl(void) {
    printf("not in %s\n", OpenSSL_version(OPENSSL_VERSION));
    exit(77); // skips the test
}

#if OPENSSL_VERSION_MAJOR >= 4
struct asn1_string_st { // not public any more; programs that wrote to it still can
    int length;
    int type;
    unsigned char* data;
    long flags;
};
#endif

// Names a function without calling it: what a program names decides its class.
#define NAME(call)                                                                                           \
    do {                                                                                                     \
        static volatile int never;                                                                           \
        if (never) {                                                                                         \
            call;                                                                                            \
        }                                                                                                    \
    } while (0)

// The path of a file of the PKI. Eight results live at once, for each thread.
static UNUSED const char* pki(const char* name) {
    static __thread char paths[8][512];
    static __thread unsigned next;
    char* const path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", getenv("SAFETY_PKI"), name);
    return path;
}

static UNUSED const char* pki_of(const char* who, const char* suffix) {
    char name[128];
    snprintf(name, sizeof name, "%s.%s", who, suffix);
    return pki(name);
}

// A server context with WHO's chain.
static UNUSED void present(SSL_CTX* context, const char* who) {
    MUST(SSL_CTX_use_certificate_chain_file(context, pki_of(who, "chain.pem")) == 1);
    MUST(SSL_CTX_use_PrivateKey_file(context, pki_of(who, "key.pem"), SSL_FILETYPE_PEM) == 1);
}

static UNUSED SSL_CTX* server_context(const char* who) {
    SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
    MUST(context);
    present(context, who);
    return context;
}

// A client that trusts the CA file `trusted`; `who` is NULL for a client without a certificate.
static UNUSED SSL_CTX* client_context(const char* trusted, const char* who) {
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    MUST(context);
    MUST(SSL_CTX_load_verify_locations(context, pki(trusted), NULL) == 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (who) {
        present(context, who);
    }
    return context;
}

// Makes a server ask for certificates.
static UNUSED void demand(SSL_CTX* server, const char* trusted) {
    MUST(SSL_CTX_load_verify_locations(server, pki(trusted), NULL) == 1);
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    MUST(SSL_CTX_set_session_id_context(server, (const unsigned char*)"safety", 6));
}

struct tls {
    SSL* client;
    SSL* server;
    int done; // 1: both sides are done; 0: stuck; -1: the client failed; -2: the server failed
};

static UNUSED int step(SSL* ssl, int* done) {
    const int result = *done ? 1 : SSL_do_handshake(ssl);
    if (result == 1) {
        *done = 1;
        return 1;
    }
    const int error = SSL_get_error(ssl, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_ASYNC ||
           error == SSL_ERROR_WANT_RETRY_VERIFY;
}

static UNUSED int drive(SSL* client, SSL* server) {
    int client_done = 0;
    int server_done = 0;
    for (int i = 0; i < 60; ++i) {
        if (!step(client, &client_done)) {
            return -1;
        }
        if (!step(server, &server_done)) {
            return -2;
        }
        if (client_done && server_done) {
            return 1;
        }
    }
    return 0;
}

static UNUSED struct tls prepare(SSL_CTX* client, SSL_CTX* server) {
    struct tls t = {SSL_new(client), SSL_new(server), 0};
    BIO* a;
    BIO* b;
    MUST(t.client && t.server);
    MUST(BIO_new_bio_pair(&a, 65536, &b, 65536));
    SSL_set_bio(t.client, a, a);
    SSL_set_bio(t.server, b, b);
    SSL_set_connect_state(t.client);
    SSL_set_accept_state(t.server);
    return t;
}

static UNUSED struct tls handshake(SSL_CTX* client, SSL_CTX* server) {
    struct tls t = prepare(client, server);
    t.done = drive(t.client, t.server);
    return t;
}

static UNUSED void finish(struct tls* t) {
    SSL_free(t->client);
    SSL_free(t->server);
    t->client = t->server = NULL;
}

// One complete handshake.
static UNUSED int visit(SSL_CTX* client, SSL_CTX* server) {
    struct tls t = handshake(client, server);
    const int done = t.done;
    finish(&t);
    return done;
}

// A forked child does not share its first eight certificates; each of these handshakes brings two, and
// verifies none.
static UNUSED void outlast_first_certificates(void) {
    SSL_CTX* const server = server_context("other");
    SSL_CTX* const client = SSL_CTX_new(TLS_client_method());
    MUST(client);
    for (int i = 0; i < 5; ++i) {
        MUST(visit(client, server) == 1);
    }
    SSL_CTX_free(client);
    SSL_CTX_free(server);
}

// Lets the client read the session tickets, which come after the handshake.
static UNUSED void read_tickets(struct tls* t) {
    char byte;
    (void)SSL_read(t->client, &byte, 1);
    ERR_clear_error();
}

static UNUSED X509* certificate_in(const char* name) {
    BIO* const in = BIO_new_file(pki(name), "r");
    MUST(in);
    X509* const x = PEM_read_bio_X509(in, NULL, NULL, NULL);
    BIO_free(in);
    MUST(x);
    return x;
}

static UNUSED long read_file(const char* path, unsigned char* into, size_t room) {
    FILE* const f = fopen(path, "rb");
    MUST(f);
    const long size = (long)fread(into, 1, room, f);
    fclose(f);
    return size;
}

// Prints the error queue as text and empties it.
static UNUSED void show_errors(const char* label) {
    unsigned long code;
    const char* data;
    int flags;
    while ((code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0) {
        const char* const library = ERR_lib_error_string(code);
        const char* const reason = ERR_reason_error_string(code);
        printf("%s error %s: %s%s%s\n", label, library ? library : "-", reason ? reason : "-",
               (flags & ERR_TXT_STRING) && *data ? ": " : "", (flags & ERR_TXT_STRING) ? data : "");
    }
}

static UNUSED unsigned long long fingerprint(const void* data, size_t size) {
    unsigned long long h = 14695981039346656037ULL;
    for (size_t i = 0; i < size; ++i) {
        h = (h ^ ((const unsigned char*)data)[i]) * 1099511628211ULL;
    }
    return h;
}

static UNUSED void show_time(const ASN1_TIME* t) {
    printf(" %.*s", t ? ASN1_STRING_length(t) : 4, t ? (const char*)ASN1_STRING_get0_data(t) : "none");
}

// Prints everything that can be read from a certificate.
static UNUSED void show(const char* label, X509* x) {
    if (!x) {
        printf("%s: no certificate\n", label);
        return;
    }
    char name[256];
    printf("%s: subject %s", label, X509_NAME_oneline(X509_get_subject_name(x), name, sizeof name));
    printf(" issuer %s", X509_NAME_oneline(X509_get_issuer_name(x), name, sizeof name));
    const ASN1_INTEGER* const serial = X509_get0_serialNumber(x);
    printf(" serial %016llx", fingerprint(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)));
    show_time(X509_get0_notBefore(x));
    show_time(X509_get0_notAfter(x));
    printf(" flags %x usage %x", X509_get_extension_flags(x), X509_get_key_usage(x));
    unsigned long long extensions = 0;
    for (int i = 0; i < X509_get_ext_count(x); ++i) {
        const ASN1_OCTET_STRING* const data = X509_EXTENSION_get_data(X509_get_ext(x, i));
        extensions =
            extensions * 31 + fingerprint(ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data));
    }
    printf(" extensions %d %016llx", X509_get_ext_count(x), extensions);
    unsigned char* der = NULL;
    int size = i2d_X509(x, &der);
    printf(" encoding %d %016llx", size, size > 0 ? fingerprint(der, (size_t)size) : 0);
    OPENSSL_free(der);
    der = NULL;
    size = i2d_PUBKEY(X509_get0_pubkey(x), &der);
    printf(" key %d %016llx", size, size > 0 ? fingerprint(der, (size_t)size) : 0);
    OPENSSL_free(der);
    printf(" trusted %d rejected %d\n",
           X509_get0_trust_objects(x) ? sk_ASN1_OBJECT_num(X509_get0_trust_objects(x)) : -1,
           X509_get0_reject_objects(x) ? sk_ASN1_OBJECT_num(X509_get0_reject_objects(x)) : -1);
}

static UNUSED void show_result(const char* label, const struct tls* t) {
    printf("%s: handshake %d, client verified %ld, server verified %ld\n", label, t->done,
           SSL_get_verify_result(t->client), SSL_get_verify_result(t->server));
}

static UNUSED double cpu_seconds(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// Prints ibid's counts for this process on standard error. A test of shared objects requires more than zero.
static UNUSED void tell_hits(void) {
    int (*get)(enum ibid_openssl_kind, struct ibid_openssl_statistics*) =
        (int (*)(enum ibid_openssl_kind, struct ibid_openssl_statistics*))dlsym(
            RTLD_DEFAULT, "ibid_openssl_get_statistics");
    for (int kind = 0; get && kind < 3; ++kind) {
        struct ibid_openssl_statistics s;
        memset(&s, 0, sizeof s);
        s.size = sizeof s;
        if (get((enum ibid_openssl_kind)kind, &s)) {
            static const char* const names[] = {"certificates", "trust_stores", "signatures"};
            fprintf(stderr, "ibid-hits %s %llu\n", names[kind], (unsigned long long)s.hits);
        }
    }
}

// Prints a figure that the test compares with stock's; it may differ from run to run.
static UNUSED void figure(const char* name, double value) {
    fprintf(stderr, "figure %s %.9g\n", name, value);
}

#endif
