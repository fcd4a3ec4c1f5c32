// SPDX-License-Identifier: Apache-2.0
//
// TLS 1.2 handshake messages, made byte by byte. A peer that sends them needs neither a key nor OpenSSL,
// because in this version certificates are not encrypted, and they are parsed and verified before the peer
// signs anything. Source: RFC 5246, 6.2.1 (records) and 7.4 (messages).
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace testbed {

using byte_string = std::vector<unsigned char>;

enum class handshake_type : unsigned char { client_hello = 1, server_hello = 2, certificate = 11 };

inline void append(byte_string& to, std::span<const unsigned char> more) {
    to.insert(to.end(), more.begin(), more.end());
}

// A length of 24 bits.
// Not inlined: if GCC 12 knows a vector's size, it assumes that the vector cannot grow (-Wstringop-overflow).
[[gnu::noinline]] inline void append_length(byte_string& to, std::size_t length) {
    to.insert(to.end(), {static_cast<unsigned char>(length >> 16), static_cast<unsigned char>(length >> 8),
                         static_cast<unsigned char>(length)});
}

// The beginning of both hellos: the version, and a constant instead of a random number. Not inlined, for the
// same reason (-Warray-bounds).
[[nodiscard, gnu::noinline]] inline byte_string hello_start() {
    byte_string body(2 + 32, 0x55);
    body[0] = body[1] = 3;
    return body;
}

// A handshake message, split into as many records as necessary.
[[nodiscard]] inline byte_string records(handshake_type type, const byte_string& body) {
    byte_string message{static_cast<unsigned char>(type)};
    append_length(message, body.size());
    append(message, body);
    byte_string out;
    constexpr std::size_t largest = 16384;
    for (std::size_t at = 0; at < message.size(); at += largest) {
        const std::size_t size = std::min(largest, message.size() - at);
        out.insert(out.end(),
                   {22, 3, 3, static_cast<unsigned char>(size >> 8), static_cast<unsigned char>(size)});
        append(out, std::span(message).subspan(at, size));
    }
    return out;
}

// A Certificate message: the length of all entries, then each entry with its length in front.
[[nodiscard]] inline byte_string certificate_message(std::span<const byte_string> chain) {
    byte_string list;
    for (const byte_string& der : chain) {
        append_length(list, der.size());
        append(list, der);
    }
    byte_string body;
    append_length(body, list.size());
    append(body, list);
    return records(handshake_type::certificate, body);
}

} // namespace testbed
