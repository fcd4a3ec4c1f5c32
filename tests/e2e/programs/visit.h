/* SPDX-License-Identifier: Apache-2.0
 * A connection to a TLS server on this machine, for programs and plugins of the tests. Prints its result as a line on standard
 * output. */
#ifndef IBID_TEST_VISIT_H
#define IBID_TEST_VISIT_H

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "connected.h"

/* A context that trusts the file; NULL if OpenSSL gives none, as after its clean-up. */
static SSL_CTX* trusting(const char* ca) {
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    if (context != NULL) {
        SSL_CTX_load_verify_locations(context, ca, NULL);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    }
    return context;
}

/* The connection stays open: SSL_free. NULL: there is none. */
static SSL* visit(const char* who, SSL_CTX* context, int port) {
    SSL* const ssl = context != NULL ? SSL_new(context) : NULL;
    if (ssl == NULL) {
        printf("%s: no connection can be made\n", who);
        return NULL;
    }
    const int fd = connected(port);
    SSL_set_fd(ssl, fd);
    const int shaken = SSL_connect(ssl);
    char name[128] = "nobody";
    X509* const peer = SSL_get0_peer_certificate(ssl);
    if (peer != NULL) {
        X509_NAME_oneline(X509_get_subject_name(peer), name, sizeof name);
    }
    printf("%s: connect %d, verdict %ld, %s, %d in the chain, error %lx\n", who, shaken,
           SSL_get_verify_result(ssl), name,
           SSL_get0_verified_chain(ssl) != NULL ? sk_X509_num(SSL_get0_verified_chain(ssl)) : 0,
           ERR_get_error());
    ERR_clear_error();
    SSL_set_fd(ssl, -1);
    close(fd);
    return ssl;
}

#endif
