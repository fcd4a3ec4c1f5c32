// SPDX-License-Identifier: Apache-2.0
//
// Prints everything that can be read from the objects of a scene.
#pragma once

#include "leases.h"
#include "world.h"

static void show_data(X509* x) {
#if defined(ATTACHES) || defined(WRITES)
    for (int i = 0; x && i < index_count; ++i) {
        const char* const found = X509_get_ex_data(x, indices[i]);
        emit("  data %d: %s\n", i, found ? found : "none");
    }
#else
    (void)x;
#endif
}

static void show_connection(int n) {
    const struct tls* const t = &connections[n];
    emit("connection %d: ", n);
    if (!t->client) {
        emit("none\n");
        return;
    }
    emit("%d, reused %d, results %ld %ld, versions %s\n", t->done, SSL_session_reused(t->client),
         SSL_get_verify_result(t->client), SSL_get_verify_result(t->server), SSL_get_version(t->client));
    if (t->done != 1) {
        return;
    }
    X509* const peers[2] = {SSL_get0_peer_certificate(t->client), SSL_get0_peer_certificate(t->server)};
    for (int i = 0; i < 2; ++i) {
        SSL* const s = i ? t->server : t->client;
        show(i ? " server's peer" : " client's peer", peers[i]);
        show_data(peers[i]);
        STACK_OF(X509)* const sent = SSL_get_peer_cert_chain(s);
        STACK_OF(X509)* const verified = SSL_get0_verified_chain(s);
        for (int k = 0; k < sk_X509_num(sent); ++k) {
            show("  sent", sk_X509_value(sent, k));
        }
        for (int k = 0; k < sk_X509_num(verified); ++k) {
            show("  verified", sk_X509_value(verified, k));
        }
        SSL_SESSION* const session = SSL_get0_session(s);
        emit("  same: %d %d %d\n", session && SSL_SESSION_get0_peer(session) == peers[i],
             sk_X509_num(sent) > 0 && sk_X509_value(sent, 0) == peers[i],
             sk_X509_num(verified) > 0 && sk_X509_value(verified, 0) == peers[i]);
    }
}

static void show_list(X509_CRL* list) {
    unsigned char* der = NULL;
    const int size = i2d_X509_CRL(list, &der);
    STACK_OF(X509_REVOKED)* const entries = X509_CRL_get_REVOKED(list);
    unsigned long long serials = 0;
    for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
        const ASN1_INTEGER* const s = X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(entries, i));
        serials += fingerprint(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
    }
    emit("  list %d %016llx, %d entries %016llx", size, size > 0 ? fingerprint(der, (size_t)size) : 0,
         sk_X509_REVOKED_num(entries), serials);
    show_time(X509_CRL_get0_nextUpdate(list));
    emit("\n");
    OPENSSL_free(der);
}

static void show_store(X509_STORE* store) {
    STACK_OF(X509_OBJECT)* const all = X509_STORE_get0_objects(store);
    emit("store: %d\n", sk_X509_OBJECT_num(all));
    for (int i = 0; i < sk_X509_OBJECT_num(all); ++i) {
        X509_OBJECT* const o = sk_X509_OBJECT_value(all, i);
        if (X509_OBJECT_get0_X509(o)) {
            show("  object", X509_OBJECT_get0_X509(o));
        } else {
            show_list(X509_OBJECT_get0_X509_CRL(o));
        }
    }
    STACK_OF(X509)* const certificates = X509_STORE_get1_all_certs(store);
    emit("  %d certificates\n", sk_X509_num(certificates));
    sk_X509_pop_free(certificates, X509_free);
}

// Which of the objects that this program parsed are the same object: in stock none.
static void show_relations(void) {
    for (int i = 0; relations && i < held_count; ++i) {
        for (int k = 0; k < i; ++k) {
            if (held[i].own && held[k].own && held[i].x && held[k].x) {
                emit(" %d", held[i].x == held[k].x);
            }
        }
    }
    emit(" related\n");
}
