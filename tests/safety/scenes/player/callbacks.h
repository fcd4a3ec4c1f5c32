// SPDX-License-Identifier: Apache-2.0
//
// Verification callbacks.
#pragma once

#include "writing.h"

static unsigned callback_slot;

static int observing(int ok, X509_STORE_CTX* c) {
    X509* const x = X509_STORE_CTX_get_current_cert(c);
    emit(" callback %d %d at %d", ok, X509_STORE_CTX_get_error(c), X509_STORE_CTX_get_error_depth(c));
    show("", x);
    return ok;
}

static int accepting(int ok, X509_STORE_CTX* c) {
    emit(" accepted %d %d at %d\n", ok, X509_STORE_CTX_get_error(c), X509_STORE_CTX_get_error_depth(c));
    return 1;
}

static int holding(int ok, X509_STORE_CTX* c) {
    X509* const x = X509_STORE_CTX_get_current_cert(c);
    if (x) {
        X509_up_ref(x);
        put(callback_slot, x, 0);
    }
    return ok;
}

#if defined(ATTACHES) || defined(WRITES)
static int touching(int ok, X509_STORE_CTX* c) {
    X509* const x = X509_STORE_CTX_get_current_cert(c);
    if (x) {
#ifdef WRITES
        write_to(x, callback_slot, callback_slot);
#else
        attach(x, callback_slot, callback_slot);
#endif
    }
    return ok;
}
#else
#define touching holding
#endif

static int (*const callbacks[])(int, X509_STORE_CTX*) = {NULL,    NULL, observing, accepting,
                                                         holding, NULL, touching,  NULL};
