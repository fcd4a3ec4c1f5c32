// SPDX-License-Identifier: Apache-2.0
//
// A server that has no key and needs none: its hello and its certificates are made byte for byte, and a
// client of TLS 1.2 parses and verifies what it is sent before anybody had to sign anything. Nothing is
// cheaper for an attacker. Source: RFC 5246, 7.4.
#pragma once

#include "openssl/clock.h"
#include "openssl/owned.h"
#include "testbed/tls/handshake_bytes.h"

#include <vector>

namespace bench {

using testbed::byte_string;

// A context for the victims: as bench::new_client_context, and willing to take chains of some MiB.
[[nodiscard]] owned_context new_victim(const char* root);

// One connection of `victim` to a server that sends `chain`. It must fail. Returns the CPU that it took the
// victim, from SSL_new to SSL_free.
[[nodiscard]] nanoseconds meet_hostile_server(SSL_CTX* victim, const std::vector<byte_string>& chain);

} // namespace bench
