// SPDX-License-Identifier: Apache-2.0
//
// TLS connections inside one process and one thread, over memory BIOs: a server, a client, and the code that
// moves bytes between them.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <new>
#include <utility>

#include "certificates.h"

namespace ibid::test {

using context_ptr = testbed::owned_context;
using ssl_ptr = testbed::owned_ssl;
using session_ptr = testbed::owned_session;

// A root, an intermediate, a server's leaf and a client's, and contexts for both sides that verify each
// other.
struct world {
    authority root = make_authority("root");
    authority intermediate = make_authority("intermediate", &root);
    key_ptr key = make_key();
    x509_ptr server_leaf = make_certificate("server.example", key.get(), &intermediate, false);
    x509_ptr client_leaf = make_certificate("client.example", key.get(), &intermediate, false);

    [[nodiscard]] context_ptr context(const SSL_METHOD* method, bool server, int version = 0) const {
        return context(method, server, server ? server_leaf.get() : client_leaf.get(), key.get(), version);
    }
    // With another leaf issued by the same intermediate.
    [[nodiscard]] context_ptr context(const SSL_METHOD* method, bool server, X509* leaf, EVP_PKEY* leafs_key,
                                      int version = 0) const {
        context_ptr c(SSL_CTX_new(method));
        check(c != nullptr, "context");
        SSL_CTX_use_certificate(c.get(), leaf);
        SSL_CTX_use_PrivateKey(c.get(), leafs_key);
        SSL_CTX_add1_chain_cert(c.get(), intermediate.certificate.get());
        X509_STORE_add_cert(SSL_CTX_get_cert_store(c.get()), root.certificate.get());
        SSL_CTX_set_verify(c.get(), SSL_VERIFY_PEER | (server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                           nullptr);
        SSL_CTX_set_session_id_context(c.get(), reinterpret_cast<const unsigned char*>("ibid"), 4);
        SSL_CTX_set_session_cache_mode(c.get(), SSL_SESS_CACHE_BOTH);
        if (version != 0) {
            SSL_CTX_set_min_proto_version(c.get(), version);
            SSL_CTX_set_max_proto_version(c.get(), version);
        }
        return c;
    }
};

struct connection {
    ssl_ptr client;
    ssl_ptr server;

    connection(SSL_CTX* client_context, SSL_CTX* server_context, SSL_SESSION* resume = nullptr)
        : client(SSL_new(client_context)), server(SSL_new(server_context)) {
        BIO* a = nullptr;
        BIO* b = nullptr;
        if (client == nullptr || server == nullptr || BIO_new_bio_pair(&a, 0, &b, 0) != 1) {
            throw std::bad_alloc();
        }
        SSL_set_bio(client.get(), a, a);
        SSL_set_bio(server.get(), b, b);
        SSL_set_connect_state(client.get());
        SSL_set_accept_state(server.get());
        if (resume != nullptr) {
            SSL_set_session(client.get(), resume);
        }
    }

    // True when both sides are done; false if either fails.
    [[nodiscard]] bool shake_hands() {
        for (int i = 0; i < 100; ++i) {
            const bool c = step(client.get());
            const bool s = step(server.get());
            if (failed_) {
                return false;
            }
            if (c && s) {
                exchange(); // reads the tickets of TLS 1.3
                return true;
            }
        }
        return false;
    }

    // One byte in each direction, and everything that is sent with it.
    void exchange() {
        char byte = 'x';
        for (const auto& [from, to] :
             {std::pair{client.get(), server.get()}, std::pair{server.get(), client.get()}}) {
            SSL_write(from, &byte, 1);
            SSL_read(to, &byte, 1);
        }
    }

    [[nodiscard]] session_ptr session() {
        SSL_set_shutdown(client.get(), SSL_SENT_SHUTDOWN); // otherwise a TLS 1.3 session is not resumable
        return session_ptr(SSL_get1_session(client.get()));
    }

    [[nodiscard]] X509* clients_view() const { return SSL_get0_peer_certificate(client.get()); }
    [[nodiscard]] X509* servers_view() const { return SSL_get0_peer_certificate(server.get()); }

private:
    [[nodiscard]] bool step(SSL* s) {
        const int result = SSL_do_handshake(s);
        const int error = SSL_get_error(s, result);
        failed_ = failed_ || (result != 1 && error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE);
        return result == 1;
    }

    bool failed_ = false;
};

// Two connections between the same contexts: each side has parsed its peer's certificates twice.
struct two_connections {
    world w;
    context_ptr client = w.context(TLS_client_method(), false);
    context_ptr server = w.context(TLS_server_method(), true);
    connection one{client.get(), server.get()};
    connection two{client.get(), server.get()};
    bool shaken = one.shake_hands() && two.shake_hands();

    [[nodiscard]] bool share() const { return shaken && one.clients_view() == two.clients_view(); }
};

// A forked child does not share its first eight certificates. Two connections bring at least four.
inline void outlast_first_certificates() {
    for (int i = 0; i < 2; ++i) {
        check(two_connections().shaken, "handshake");
    }
}

} // namespace ibid::test
