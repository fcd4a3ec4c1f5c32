// SPDX-License-Identifier: Apache-2.0
//
// The fields of a certificate that the command shows, from the DER of its TBSCertificate (RFC 5280, 4.1). The
// command is not linked with OpenSSL.
//
// Law: any bytes may be given; no byte outside of them is read. Nothing is verified.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ibid::cli::certs {

struct tbs_certificate {
    std::string serial; // hexadecimal
    // "CN=Authority, O=Example, C=DE": RFC 4514, printable UTF-8, cut after some thousand bytes.
    std::string issuer;
    std::string subject;    // the same
    std::string not_before; // "2026-11-29T13:00:00Z"
    std::string not_after;
    std::int64_t begins = 0; // the same in seconds since 1970
    std::int64_t ends = 0;
};

// Nothing, unless `der` is one complete SEQUENCE that begins like a TBSCertificate.
[[nodiscard]] std::optional<tbs_certificate> parse_tbs_certificate(std::string_view der);

} // namespace ibid::cli::certs
