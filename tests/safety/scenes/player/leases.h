// SPDX-License-Identifier: Apache-2.0
//
// How a program gets peers. A leaser holds them until its next operation, and gets nothing else from a
// connection.
#pragma once

#include "output.h"

#ifdef LEASES
static X509* leased[64];
static int leased_count;

static void give_back(void) {
    while (leased_count > 0) {
        X509_free(leased[--leased_count]);
    }
}

static X509* lease(const SSL* ssl) {
    X509* const x = SSL_get1_peer_certificate(ssl);
    MUST(leased_count < 64);
    leased[leased_count++] = x;
    return x;
}
#define SSL_get0_peer_certificate(ssl) lease(ssl)
#define SSL_SESSION_get0_peer(session) ((void)(session), (X509*)NULL)
#define SSL_get_peer_cert_chain(ssl) ((void)(ssl), (STACK_OF(X509)*)NULL)
#define SSL_get0_verified_chain(ssl) ((void)(ssl), (STACK_OF(X509)*)NULL)
#define X509_STORE_CTX_get_current_cert(verification) ((void)(verification), (X509*)NULL)
#define X509_STORE_CTX_get0_chain(verification) ((void)(verification), (STACK_OF(X509)*)NULL)
#else
static void give_back(void) {}
#endif
