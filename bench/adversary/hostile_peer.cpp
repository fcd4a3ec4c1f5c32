// SPDX-License-Identifier: Apache-2.0
#include "hostile_peer.h"

#include "openssl/peers.h"

namespace bench {

namespace {

byte_string hello() {
    constexpr unsigned char cipher = 0x2b; // ECDHE-ECDSA-AES128-GCM-SHA256
    constexpr unsigned char rest[] = {0,    0xc0, cipher, 0,    0,   5,
                                      0xff, 0x01, 0x00,   0x01, 0x00}; // and renegotiation_info
    byte_string body = testbed::hello_start();
    testbed::append(body, rest);
    return testbed::records(testbed::handshake_type::server_hello, body);
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
    testbed::append(said, testbed::certificate_message(chain));
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
