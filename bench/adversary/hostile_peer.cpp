// SPDX-License-Identifier: Apache-2.0
#include "hostile_peer.h"

#include "openssl/peers.h"

#include <algorithm>
#include <span>

namespace bench {

namespace {

void append(byte_string& to, std::span<const unsigned char> more) {
    to.insert(to.end(), more.begin(), more.end());
}

// Not inlined: GCC 12 takes a vector whose size it knows for one that cannot grow (-Wstringop-overflow).
[[gnu::noinline]] void append_length(byte_string& to, std::size_t length) {
    to.insert(to.end(), {static_cast<unsigned char>(length >> 16), static_cast<unsigned char>(length >> 8),
                         static_cast<unsigned char>(length)});
}

// A handshake message in as many records as it takes.
byte_string records(unsigned char type, const byte_string& body) {
    byte_string message{type};
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

byte_string hello() {
    constexpr unsigned char cipher = 0x2b; // ECDHE-ECDSA-AES128-GCM-SHA256
    constexpr unsigned char rest[] = {0,    0xc0, cipher, 0,    0,   5,
                                      0xff, 0x01, 0x00,   0x01, 0x00}; // and renegotiation_info
    byte_string body(2 + 32 + sizeof rest, 0x55);
    body[0] = body[1] = 3;
    std::copy(std::begin(rest), std::end(rest), body.end() - sizeof rest);
    return records(2, body);
}

byte_string certificates(const std::vector<byte_string>& chain) {
    byte_string list;
    for (const byte_string& der : chain) {
        append_length(list, der.size());
        append(list, der);
    }
    byte_string body;
    append_length(body, list.size());
    append(body, list);
    return records(11, body);
}

} // namespace

owned_context new_victim(const char* root) {
    owned_context context = new_client_context(root);
    require(static_cast<int>(SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION)), "TLS 1.2");
    SSL_CTX_set_max_cert_list(context.get(), 4 << 20);
    return context;
}

nanoseconds meet_hostile_server(SSL_CTX* victim, const std::vector<byte_string>& chain) {
    byte_string said = hello();
    append(said, certificates(chain));
    nanoseconds spent = 0;
    owned_ssl client;
    BIO* const from_peer = require(BIO_new(BIO_s_mem()), "a buffer");
    BIO* const to_peer = require(BIO_new(BIO_s_mem()), "a buffer");
    BIO_set_mem_eof_return(from_peer, -1);
    const int result = timed(spent, [&] {
        client = new_client(victim);
        SSL_set_max_proto_version(client.get(), TLS1_2_VERSION);
        SSL_set_bio(client.get(), from_peer, to_peer);
        SSL_do_handshake(client.get());
        BIO_write(from_peer, said.data(), static_cast<int>(said.size()));
        return SSL_do_handshake(client.get());
    });
    if (SSL_get_error(client.get(), result) != SSL_ERROR_SSL)
        fail("the hostile server was believed");
    timed(spent, [&] {
        ERR_clear_error();
        client.reset();
    });
    return spent;
}

} // namespace bench
