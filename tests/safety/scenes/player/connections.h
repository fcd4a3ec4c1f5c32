// SPDX-License-Identifier: Apache-2.0
//
// Connections and their sessions.
#pragma once

#include "reading.h"

static void connect_pair(unsigned a, unsigned b, unsigned c) {
    SSL_CTX* const client = PICK(clients, b);
    SSL_CTX* const server = PICK(servers, c);
    struct tls* const t = &connections[a % connection_count];
    finish(t);
    if (!client || !server) {
        emit("no contexts\n");
        return;
    }
    *t = prepare(client, server);
    SSL_SESSION* const session = b & 64 ? PICK(sessions, b >> 3) : NULL;
    if (session) {
        emit("set session %d\n", SSL_set_session(t->client, session));
    }
    t->done = drive(t->client, t->server);
    if (t->done == 1) {
        ERR_clear_error();
        char byte;
        (void)SSL_read(t->client, &byte, 1);
        ERR_clear_error();
    }
    show_connection((int)(a % connection_count));
}

static void take_session(unsigned a, unsigned b, unsigned c) {
    struct tls* const t = &connections[a % connection_count];
    SSL_SESSION** const slot = &PICK(sessions, b);
    if (!t->client || t->done != 1) {
        return;
    }
    SSL_set_shutdown(t->client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_SESSION* s = SSL_get1_session(c & 1 ? t->client : t->server);
    if (c & 6) { // through bytes
        unsigned char* der = NULL;
        const int size = i2d_SSL_SESSION(s, &der);
        SSL_SESSION_free(s);
        const unsigned char* p = der;
        s = size > 0 ? d2i_SSL_SESSION(NULL, &p, size) : NULL;
        OPENSSL_free(der);
    }
    emit("session %d\n", s != NULL);
    if (s) {
        show("session's peer", SSL_SESSION_get0_peer(s));
        show_data(SSL_SESSION_get0_peer(s));
    }
    SSL_SESSION_free(*slot);
    *slot = s && (c & 1) ? s : NULL; // a server's own session is of no use to a client
    if (s && !*slot) {
        SSL_SESSION_free(s);
    }
}

// The verified chain stays.
static void exchange_session(unsigned a, unsigned b, unsigned c) {
    const struct tls* const t = &PICK(connections, a);
    SSL* const s = c & 1 ? t->client : t->server;
    if (!s || t->done != 1) {
        return;
    }
    if (c & 2) {
        emit("cleared %d\n", SSL_clear(s));
    } else {
        emit("exchanged %d\n", SSL_set_session(s, c & 4 ? PICK(sessions, b) : NULL));
    }
    show_connection((int)(a % connection_count));
}
