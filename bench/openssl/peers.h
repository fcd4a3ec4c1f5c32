// SPDX-License-Identifier: Apache-2.0
//
// TLS connections inside one thread: client and server communicate through memory, so that the figures
// include neither a network nor another process. The two sides' steps of the handshake are timed separately.
//
//     bench::peers peers({.by = bench::authentication::rsa, .fixtures = "build/bench/fixtures"});
//     bench::connection c = peers.connect();
//     c.client_handshake; // nanoseconds of CPU in the client's SSL_do_handshake
//
// Law: a connection that does not verify (or is not resumed although it should be) is an error, never a
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
    bool mutual = false;  // the client sends a certificate, too
    bool resumed = false; // every connection resumes the session of one full handshake (TLS 1.3 ticket)
    std::filesystem::path fixtures;
};

struct connection {
    owned_ssl client;
    owned_ssl server;
    nanoseconds client_handshake = 0; // CPU time in the client's steps of the handshake
    nanoseconds server_handshake = 0;
    nanoseconds client_cpu = 0; // all of the client's CPU time: SSL_new, handshake, tickets
    nanoseconds server_cpu = 0;
};

// Runs both sides until the handshake is done or one of them gives up. True: done.
bool shake_hands(connection& between);

// One request and its answer.
void exchange(const connection& between);

// Frees one side like a program that closed its connection normally. Without the two flags OpenSSL would
// treat the session as broken and never resume it again.
void hang_up(owned_ssl& side);

// Connects the two sides with buffers in memory.
void join(const connection& between);

// Replaces these buffers on a side that will never write again, so that the memory of the connection is
// measured and not that of the test. The replacement is as large as a socket's BIO.
void unplug(SSL* side);

// A context with a careful program's settings. `root` is a file with one certificate.
owned_context new_client_context(const std::filesystem::path& root);
owned_context new_server_context();
void use_credential(SSL_CTX* context, const std::filesystem::path& chain, const std::filesystem::path& key);

// One side. The client checks the host name.
owned_ssl new_client(SSL_CTX* context);
owned_ssl new_server(SSL_CTX* context);

class peers {
public:
    explicit peers(const peers_options& options);

    // A complete connection, including the tickets.
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
