// SPDX-License-Identifier: Apache-2.0
//
// TLS connections inside one thread: a client and a server whose bytes go from memory to memory, so that no
// network and no other process is in the figures. Each side's steps of the handshake are timed apart.
//
//     bench::peers peers({.by = bench::authentication::rsa, .fixtures = "build/bench/fixtures"});
//     bench::connection c = peers.connect();
//     c.client_handshake; // nanoseconds of CPU in the client's SSL_do_handshake
//
// Law: a connection that does not verify (or is not resumed, when that was asked) is an error, never a
// figure.
#pragma once

#include "clock.h"
#include "owned.h"

#include <filesystem>
#include <string>

namespace bench {

enum class authentication { rsa, ecdsa, psk };

struct peers_options {
    authentication by = authentication::rsa;
    bool mutual = false;  // the client shows a certificate too
    bool resumed = false; // every connection resumes the session of one full handshake (TLS 1.3 ticket)
    std::filesystem::path fixtures;
};

struct connection {
    owned_ssl client;
    owned_ssl server;
    nanoseconds client_handshake = 0; // CPU in the client's steps of the handshake, likewise the server's
    nanoseconds server_handshake = 0;
    nanoseconds client_cpu = 0; // all CPU of the client's: SSL_new, handshake, tickets
    nanoseconds server_cpu = 0;
};

// Runs both sides until the handshake is done or one of them gives up. True: done.
bool shake_hands(connection& between);

// One request and its answer.
void exchange(const connection& between);

// Frees one side as a program does that ended its connection in order. Without the two flags OpenSSL takes
// the session for broken and never resumes it again.
void hang_up(owned_ssl& side);

// Joins the two sides by buffers in memory.
void join(const connection& between);

// A side that will never write again lets go of those buffers, so that what is weighed is the connection and
// not this harness. What takes their place weighs what a socket's BIO does.
void unplug(SSL* side);

// A context as a careful client or server makes it. `root` is a file with one certificate.
owned_context new_client_context(const std::filesystem::path& root);
owned_context new_server_context();
void use_credential(SSL_CTX* context, const std::filesystem::path& chain, const std::filesystem::path& key);

// One side. The client knows the host that it wants, and checks it.
owned_ssl new_client(SSL_CTX* context);
owned_ssl new_server(SSL_CTX* context);

class peers {
public:
    explicit peers(const peers_options& options);

    // A whole connection, tickets read.
    [[nodiscard]] connection connect() const;

private:
    [[nodiscard]] owned_ssl new_client() const;
    void check(const connection& made) const;

    peers_options options_;
    owned_context client_;
    owned_context server_;
    owned_session session_;
};

} // namespace bench
