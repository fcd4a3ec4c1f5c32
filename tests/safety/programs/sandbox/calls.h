// SPDX-License-Identifier: Apache-2.0
//
// The calls that the sandbox programs make after warm-up.
#ifndef IBID_TESTS_SAFETY_CALLS_H
#define IBID_TESTS_SAFETY_CALLS_H

#include "support.h"

static SSL_CTX* server;
static SSL_CTX* client;
static SSL_CTX* other;
static X509* leaf;
static unsigned char der[8192];
static long der_size;
static unsigned char session_der[16384];
static long session_size;

static int call_parse(void) {
    const unsigned char* p = der;
    X509* const x = d2i_X509(NULL, &p, der_size);
    X509_free(x);
    return x != NULL;
}

static int call_trust_file(void) {
    SSL_CTX* const c = SSL_CTX_new(TLS_client_method());
    const int result = SSL_CTX_load_verify_locations(c, pki("trust.bundle.pem"), NULL);
    SSL_CTX_free(c);
    return result;
}

static int call_lists(void) {
    SSL_CTX* const c = SSL_CTX_new(TLS_client_method());
    const int result = SSL_CTX_load_verify_locations(c, pki("crls.bundle.pem"), NULL);
    SSL_CTX_free(c);
    return result;
}

static int call_missing(void) {
    SSL_CTX* const c = SSL_CTX_new(TLS_client_method());
    const int result = SSL_CTX_load_verify_locations(c, pki("nowhere.pem"), NULL);
    SSL_CTX_free(c);
    ERR_clear_error();
    return result;
}

static int call_folder(void) {
    X509_STORE* const s = X509_STORE_new();
    int result = X509_STORE_load_path(s, pki("trust.d"));
    X509_STORE_CTX* const c = X509_STORE_CTX_new();
    X509_STORE_CTX_init(c, s, leaf, NULL);
    result += X509_verify_cert(c) * 10;
    X509_STORE_CTX_free(c);
    X509_STORE_free(s);
    return result;
}

static int call_handshake(void) {
    return visit(client, server);
}

static int call_new_peer(void) { // a new certificate, which is then freed
    return visit(other, server);
}

static int call_session(void) {
    const unsigned char* p = session_der;
    SSL_SESSION* const s = d2i_SSL_SESSION(NULL, &p, session_size);
    SSL_SESSION_free(s);
    return s != NULL;
}

static int call_chain(void) {
    SSL_CTX* const c = SSL_CTX_new(TLS_client_method());
    const int result = SSL_CTX_use_certificate_chain_file(c, pki("client.chain.pem"));
    SSL_CTX_free(c);
    return result;
}

static const struct {
    const char* name;
    int (*call)(void);
} calls[] = {{"parse", call_parse},       {"trust_file", call_trust_file}, {"lists", call_lists},
             {"missing", call_missing},   {"folder", call_folder},         {"handshake", call_handshake},
             {"new_peer", call_new_peer}, {"session", call_session},       {"chain", call_chain}};
enum { call_count = sizeof calls / sizeof *calls };

static void set_up(void) {
    server = server_context("server");
    demand(server, "trust.bundle.pem");
    client = client_context("trust.bundle.pem", "client");
    other = client_context("trust.bundle.pem", "other");
    leaf = certificate_in("server.cert.pem");
    der_size = read_file(pki("client.cert.der"), der, sizeof der);
    struct tls t = handshake(client, server);
    MUST(t.done == 1);
    read_tickets(&t);
    unsigned char* p = session_der;
    session_size = i2d_SSL_SESSION(SSL_get0_session(t.client), &p);
    finish(&t);
}

#endif
