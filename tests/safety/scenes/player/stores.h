// SPDX-License-Identifier: Apache-2.0
//
// Trust stores: what is loaded into them, and verifications with them.
#pragma once

#include "callbacks.h"

static X509_STORE* some_store(unsigned n) {
    if (n % 3 == 0) {
        X509_STORE** const slot = &PICK(stores, n / 3);
        *slot = *slot ? *slot : X509_STORE_new();
        return *slot;
    }
    SSL_CTX* const c = n % 3 == 1 ? PICK(clients, n / 3) : PICK(servers, n / 3);
    return c ? SSL_CTX_get_cert_store(c) : NULL;
}

static void load(unsigned a, unsigned b, unsigned c) {
    X509_STORE* const store = some_store(a);
    if (!store) {
        return;
    }
    if (c & 1) {
        emit("load %d\n", X509_STORE_load_file(store, pki(PICK(trusted, b))));
    } else if (c & 2) {
        emit("lists %d\n", X509_load_crl_file(X509_STORE_add_lookup(store, X509_LOOKUP_file()),
                                              pki(PICK(trusted, b)), X509_FILETYPE_PEM));
    } else if (c & 4) {
        emit("both %d\n", X509_load_cert_crl_file(X509_STORE_add_lookup(store, X509_LOOKUP_file()),
                                                  pki(PICK(trusted, b)), X509_FILETYPE_PEM));
    } else {
        X509* const x = certificate_in(PICK(files, b));
        emit("add %d\n", X509_STORE_add_cert(store, x));
        X509_free(x);
    }
    if (c & 8) {
        show_store(store);
    }
}

static void check(unsigned a, unsigned b, unsigned c) {
    X509_STORE* const store = some_store(a);
    X509* x = PICK(held, b).x;
    if (!store) {
        return;
    }
    if (!x || b & 64) {
        x = certificate_in(PICK(files, b));
    } else {
        X509_up_ref(x);
    }
    STACK_OF(X509)* const sent = sk_X509_new_null();
    if (c & 1) {
        sk_X509_push(sent, certificate_in("mid.cert.pem"));
    }
    X509_STORE_CTX* const v = X509_STORE_CTX_new();
    if (X509_STORE_CTX_init(v, store, x, sent)) {
        static const unsigned long flags[] = {0,
                                              X509_V_FLAG_CRL_CHECK,
                                              X509_V_FLAG_PARTIAL_CHAIN,
                                              X509_V_FLAG_POLICY_CHECK,
                                              X509_V_FLAG_X509_STRICT,
                                              X509_V_FLAG_TRUSTED_FIRST,
                                              0,
                                              X509_V_FLAG_CRL_CHECK_ALL | X509_V_FLAG_CRL_CHECK};
        X509_STORE_CTX_set_flags(v, PICK(flags, c >> 1));
        callback_slot = b;
        if (PICK(callbacks, c >> 4)) {
            X509_STORE_CTX_set_verify_cb(v, PICK(callbacks, c >> 4));
        }
        const int result = X509_verify_cert(v);
        emit("checked %d %d at %d\n", result, X509_STORE_CTX_get_error(v), X509_STORE_CTX_get_error_depth(v));
        STACK_OF(X509)* const chain = X509_STORE_CTX_get0_chain(v);
        for (int i = 0; i < sk_X509_num(chain); ++i) {
            show(" chain", sk_X509_value(chain, i));
        }
    }
    X509_STORE_CTX_free(v);
    sk_X509_pop_free(sent, X509_free);
    X509_free(x);
}
