// SPDX-License-Identifier: Apache-2.0
//
// Functions of libssl that give certificates of a connection, or of a session, to a program that may write
// to them.
#pragma once

#include "entry.h"
#include "openssl/interpose/leases.h"
#include "openssl/interpose/private_objects.h"

namespace ibid::openssl::interpose {

template <unsigned N>
struct connection_getters {
    [[nodiscard]] static libcrypto& of() noexcept { return libcrypto::at(N); }

    static X509* get0_peer(const SSL* ssl) { return peer_of_connection(for_writer<N>(), ssl); }
    static X509* get1_peer(const SSL* ssl) { return peer_of_connection_held(for_writer<N>(), ssl); }
    static X509* get1_peer_leased(const SSL* ssl) { return lease_peer(of(), ssl); }
    static STACK_OF(X509) * peer_chain(const SSL* ssl) { return chain_of_connection(for_writer<N>(), ssl); }
    static STACK_OF(X509) * verified_chain(const SSL* ssl) {
        return verified_of_connection(for_writer<N>(), ssl);
    }
    static int dane_authority(SSL* ssl, X509** matched, EVP_PKEY** key) {
        return dane_authority_of_connection(for_writer<N>(), ssl, matched, key);
    }
    // Its callbacks get certificates of handshakes.
    static int add_extension(SSL_CTX* ssl, unsigned type, unsigned context, SSL_custom_ext_add_cb_ex add,
                             SSL_custom_ext_free_cb_ex free, void* add_argument,
                             SSL_custom_ext_parse_cb_ex parse, void* parse_argument) {
        of().disable("a TLS extension gets certificates, and a module may write to them");
        return of().f.SSL_CTX_add_custom_ext(ssl, type, context, add, free, add_argument, parse,
                                             parse_argument);
    }
    static X509* session_peer(const SSL_SESSION* session) {
        return peer_of_session(for_writer<N>(), session);
    }

    [[nodiscard]] static void* find(function_id id, module_kind kind) noexcept {
        if (!may_write(kind)) {
            return nullptr;
        }
        switch (id) {
        case function_id::SSL_get0_peer_certificate:
            return address(&get0_peer);
        case function_id::SSL_get1_peer_certificate:
            return kind == module_kind::attacher ? address(&get1_peer_leased) : address(&get1_peer);
        case function_id::SSL_get_peer_cert_chain:
            return address(&peer_chain);
        case function_id::SSL_get0_verified_chain:
            return address(&verified_chain);
        case function_id::SSL_get0_dane_authority:
            return address(&dane_authority);
        case function_id::SSL_CTX_add_custom_ext:
            return address(&add_extension);
        case function_id::SSL_SESSION_get0_peer:
            return address(&session_peer);
        default:
            return nullptr;
        }
    }
};

} // namespace ibid::openssl::interpose
