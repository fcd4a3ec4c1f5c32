// SPDX-License-Identifier: Apache-2.0
//
// What the operations of a scene work on, and the names of files that they choose from.
#pragma once

#include "output.h"

enum {
    context_count = 3,
    connection_count = 4,
    session_count = 3,
    store_count = 2,
    held_count = 6,
    index_most = 4
};

struct held {
    X509* x;
    int own; // parsed by this program
};

static SSL_CTX* clients[context_count];
static SSL_CTX* servers[context_count];
static struct tls connections[connection_count];
static SSL_SESSION* sessions[session_count];
static X509_STORE* stores[store_count];
static struct held held[held_count];
static void* plugin;
static OSSL_PROVIDER* legacy;
static int relations = 1;
static int is_child;

#if defined(ATTACHES) || defined(WRITES)
static int indices[index_most];
static int index_count;
static const char* const data[] = {"one", "two", "three", "four"};
#endif

static const char* const trusted[] = {"trust.bundle.pem", "chain.bundle.pem", "crls.bundle.pem",
                                      "roots.bundle.pem", "twice.bundle.pem", "forged-mid.pem",
                                      "mid.cert.pem",     "key-last.pem"};
static const char* const server_names[] = {"server",  "server",   "server",       "expired",
                                           "revoked", "stranger", "bad-policies", "server"};
static const char* const client_names[] = {"client", "other", NULL, "client"};
static const char* const files[] = {"server.cert.pem",  "client.cert.pem",   "other.cert.pem",
                                    "mid.cert.pem",     "root.cert.pem",     "bad-policies.cert.pem",
                                    "revoked.cert.pem", "stranger.cert.pem", "bad-constraints.cert.pem",
                                    "expired.cert.pem"};
#define PICK(array, n) ((array)[(n) % (sizeof(array) / sizeof *(array))])

static void put(unsigned slot, X509* x, int own) {
    struct held* const h = &held[slot % held_count];
    X509_free(h->x);
    h->x = x;
    h->own = own;
}
