// SPDX-License-Identifier: Apache-2.0
//
// Contexts, with what they trust and present.
#pragma once

#include "callbacks.h"

static void trust(SSL_CTX* context, unsigned kind) {
    if (kind % 11 < 8) {
        emit(" loaded %d", SSL_CTX_load_verify_locations(context, pki(trusted[kind % 11]), NULL));
    } else if (kind % 11 == 8) {
        emit(" loaded %d", SSL_CTX_load_verify_locations(context, NULL, pki("trust.d")));
    } else if (kind % 11 == 9) {
        emit(" loaded %d", SSL_CTX_load_verify_file(context, pki("crls.bundle.pem")));
    } else {
        emit(" loaded %d", SSL_CTX_load_verify_locations(context, pki("nowhere.pem"), NULL));
    }
}

// Sets a certificate, if possible: a provider's refusal is part of the scene.
static void try_present(SSL_CTX* context, const char* who) {
    emit(" presents %d %d", SSL_CTX_use_certificate_chain_file(context, pki_of(who, "chain.pem")),
         SSL_CTX_use_PrivateKey_file(context, pki_of(who, "key.pem"), SSL_FILETYPE_PEM));
}

static void new_client(unsigned a, unsigned b, unsigned c) {
    SSL_CTX** const slot = &PICK(clients, a);
    SSL_CTX_free(*slot);
    *slot = SSL_CTX_new(TLS_client_method());
    emit("context %d", *slot != NULL);
    if (!*slot) {
        return;
    }
    trust(*slot, b);
    SSL_CTX_set_verify(*slot, (c & 15) == 15 ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, PICK(callbacks, c >> 2));
    if (PICK(client_names, c >> 5)) {
        try_present(*slot, PICK(client_names, c >> 5));
    }
    if (b & 64) {
        SSL_CTX_set_max_proto_version(*slot, TLS1_2_VERSION);
    }
    if (b & 32) {
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(*slot), X509_V_FLAG_CRL_CHECK);
    }
    if (b & 128) {
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(*slot), X509_V_FLAG_POLICY_CHECK);
    }
    emit("\n");
}

static void new_server(unsigned a, unsigned b, unsigned c) {
    SSL_CTX** const slot = &PICK(servers, a);
    SSL_CTX_free(*slot);
    *slot = SSL_CTX_new(TLS_server_method());
    emit("context %d", *slot != NULL);
    if (!*slot) {
        return;
    }
    try_present(*slot, PICK(server_names, b));
    SSL_CTX_set_session_id_context(*slot, (const unsigned char*)"scenes", 6);
    if (c & 3) {
        trust(*slot, (c >> 2) % 5);
        SSL_CTX_set_verify(*slot, SSL_VERIFY_PEER | (c & 1 ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                           PICK(callbacks, c >> 4));
    }
    emit("\n");
}
