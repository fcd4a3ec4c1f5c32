// SPDX-License-Identifier: Apache-2.0
//
// Certificates that the program parses, or holds longer than their connection, store or context.
#pragma once

#include "stores.h"

static void parse(unsigned a, unsigned b, unsigned c) {
    X509* x = NULL;
    const char* const file = PICK(files, b);
    if (c % 4 == 0) {
        x = certificate_in(file);
    } else {
        BIO* const in = BIO_new_file(pki(file), "r");
        if (c % 4 == 1) {
            x = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL);
        } else {
            char* name;
            char* header;
            unsigned char* der;
            long size;
            if (PEM_read_bio(in, &name, &header, &der, &size)) {
                const unsigned char* p = der;
                if (c % 4 == 2) {
                    x = d2i_X509(NULL, &p, size - (long)(c >> 7) * 9);
                } else {
                    x = X509_new();
                    X509* const alias = x;
                    const X509* const result = d2i_X509(&x, &p, size);
                    emit("filled %d %d\n", result == alias, x == alias);
                }
                emit("took %d\n", p - der == size);
                OPENSSL_free(name);
                OPENSSL_free(header);
                OPENSSL_free(der);
            }
        }
        BIO_free(in);
    }
    put(a, x, 1);
    show("parsed", x);
    show_data(x);
    show_relations();
}

static void hold(unsigned a, unsigned b, unsigned c) {
    X509* x = NULL;
    const struct tls* const t = &connections[b % connection_count];
    SSL* const s = c & 1 ? t->client : t->server;
    if (c & 16) {
        X509_STORE* const store = some_store(b);
        STACK_OF(X509_OBJECT)* const all = store ? X509_STORE_get0_objects(store) : NULL;
        if (sk_X509_OBJECT_num(all) > 0) {
            x = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, (int)(c >> 5) % sk_X509_OBJECT_num(all)));
        }
    } else if (c & 32) {
        SSL_CTX* const context = PICK(servers, b);
        x = context ? SSL_CTX_get0_certificate(context) : NULL;
    } else if (s && t->done == 1) {
        STACK_OF(X509)* const chain = c & 2 ? SSL_get_peer_cert_chain(s) : SSL_get0_verified_chain(s);
        x = c & 4                    ? SSL_get0_peer_certificate(s)
            : sk_X509_num(chain) > 0 ? sk_X509_value(chain, (int)(c >> 6) % sk_X509_num(chain))
                                     : NULL;
    }
    if (x) {
        X509_up_ref(x);
    }
    put(a, x, 0);
    show("held", x);
    show_data(x);
}
