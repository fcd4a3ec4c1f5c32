// SPDX-License-Identifier: Apache-2.0
//
// A server that needs no private key. Its hello and its certificates are made byte by byte, and a TLS 1.2
// client parses and verifies the certificates before it checks a signature of the server. This is the
// cheapest attack. Source: RFC 5246, 7.4.
#pragma once

#include "openssl/clock.h"
#include "openssl/owned.h"
#include "testbed/tls/handshake_bytes.h"

#include <vector>

namespace bench {

using testbed::byte_string;

// A context for the victims: as bench::new_client_context, but it accepts chains of some MiB.
[[nodiscard]] owned_context new_victim(const char* root);

// One connection of `victim` to a server that sends `chain`. It must fail. Returns the victim's CPU time,
// from SSL_new to SSL_free.
[[nodiscard]] nanoseconds meet_hostile_server(SSL_CTX* victim, const std::vector<byte_string>& chain);

} // namespace bench
