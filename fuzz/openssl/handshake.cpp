// SPDX-License-Identifier: Apache-2.0
//
// A peer that sends arbitrary bytes as its certificates: TLS 1.2, made byte by byte
// (testbed/tls/handshake_bytes.h).
#include "owned.h"
#include "scenes.h"

namespace ibid::fuzz {

namespace {

using testbed::append;
using testbed::handshake_type;
using testbed::records;

// The beginning of both hellos, without a session.
[[nodiscard]] byte_string hello() {
    byte_string body = testbed::hello_start();
    body.push_back(0);
    return body;
}

constexpr unsigned char renegotiation_info[] = {0xff, 0x01, 0x00, 0x01, 0x00};

[[nodiscard]] byte_string hello_of_server(bool rsa) {
    byte_string body = hello();
    body.insert(body.end(),
                {0xc0, static_cast<unsigned char>(rsa ? 0x2f : 0x2b), 0, 0, sizeof renegotiation_info});
    append(body, renegotiation_info);
    return records(handshake_type::server_hello, body);
}

[[nodiscard]] byte_string hello_of_client() {
    static constexpr unsigned char rest[] = {
        0x00, 0x02, 0xc0, 0x2b, 0x01, 0x00, 0x00, 0x21, // ECDHE-ECDSA-AES128-GCM-SHA256, extensions
        0x00, 0x0a, 0x00, 0x04, 0x00, 0x02, 0x00, 0x1d, // groups: X25519, not for signatures
        0x00, 0x0b, 0x00, 0x02, 0x01, 0x00,             // points
        0x00, 0x0d, 0x00, 0x0a, 0x00, 0x08, 0x04, 0x03, 0x05, 0x03, 0x08, 0x04, 0x04, 0x01, // signatures
        0xff, 0x01, 0x00, 0x01, 0x00};
    byte_string body = hello();
    append(body, rest);
    // With only X25519 there would be no curve for the server's own certificate.
    return records(handshake_type::client_hello, body);
}

[[nodiscard]] byte_string certificates(const input& in) {
    byte_string body;
    if (in.choice(0, 2) == 3) { // as sent, lengths and all
        append(body, in.payload);
        return records(handshake_type::certificate, body);
    }
    const byte_string sent(in.payload.begin(), in.payload.end());
    std::vector<byte_string> chain;
    if (in.choice(0, 2) == 1) {
        chain.push_back(fixed_leaf());
    }
    chain.push_back(sent);
    if (in.choice(0, 2) == 2) {
        chain.push_back(fixed_root());
        chain.push_back(sent);
    }
    return testbed::certificate_message(chain);
}

[[nodiscard]] owned_context new_context(const SSL_METHOD* method) {
    owned_context context(SSL_CTX_new(method));
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_security_level(context.get(), 1);
    const unsigned char* p = fixed_root().data();
    const owned_x509 root(d2i_X509(nullptr, &p, static_cast<long>(fixed_root().size())));
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), root.get());
    return context;
}

// The server's own certificate is not part of the outcome.
[[nodiscard]] owned_context new_server_context() {
    owned_context context = new_context(TLS_server_method());
    const owned_bio certificate_in = reading(fixed_server_pem, sizeof fixed_server_pem - 1);
    const owned_bio key_in = reading(fixed_server_key_pem, sizeof fixed_server_key_pem - 1);
    const owned_x509 x(PEM_read_bio_X509(certificate_in.get(), nullptr, nullptr, nullptr));
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(key_in.get(), nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(context.get(), x.get());
    SSL_CTX_use_PrivateKey(context.get(), key);
    EVP_PKEY_free(key);
    return context;
}

void shake_hands(SSL_CTX* context, bool server, const input& in, outcome& seen, owned_ssl& kept) {
    owned_ssl ssl(SSL_new(context));
    BIO* const from_peer = BIO_new(BIO_s_mem());
    BIO* const to_peer = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(from_peer, -1);
    SSL_set_bio(ssl.get(), from_peer, to_peer);
    SSL_set_verify(ssl.get(), in.choice(4, 1) != 0 ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    if (server) {
        SSL_set_verify(ssl.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
        SSL_set_accept_state(ssl.get());
    } else {
        SSL_set_connect_state(ssl.get());
        SSL_do_handshake(ssl.get());
    }
    const auto hear = [&](const byte_string& bytes) {
        BIO_write(from_peer, bytes.data(), static_cast<int>(bytes.size()));
    };
    hear(server ? hello_of_client() : hello_of_server(in.choice(5, 1) != 0));
    const int greeted = SSL_do_handshake(ssl.get());
    seen.number("greeted", SSL_get_error(ssl.get(), greeted));
    seen.errors();
    (void)BIO_reset(to_peer); // random numbers and signatures
    hear(certificates(in));
    const int result = SSL_do_handshake(ssl.get());
    seen.number("handshake", SSL_get_error(ssl.get(), result));
    seen.errors();
    const byte_string said = content(to_peer);
    seen.bytes("alert", said.data(), said.size());
    seen.number("verified", SSL_get_verify_result(ssl.get()));
    seen.certificate("peer", SSL_get0_peer_certificate(ssl.get()));
    STACK_OF(X509)* const chain = SSL_get_peer_cert_chain(ssl.get());
    seen.number("chain", sk_X509_num(chain));
    for (int i = 0; i < sk_X509_num(chain); ++i) {
        seen.certificate("in chain", sk_X509_value(chain, i));
    }
    kept = std::move(ssl);
}

} // namespace

void play_handshake(const input& in, outcome& seen) {
    static const owned_context client = new_context(TLS_client_method());
    static const owned_context server = new_server_context();
    ERR_clear_error();
    const bool serving = in.choice(6, 2) == 3;
    seen.about(serving ? "handshake, serving" : "handshake");
    owned_ssl kept[2];
    for (owned_ssl& ssl : kept) {
        shake_hands(serving ? server.get() : client.get(), serving, in, seen, ssl);
    }
}

} // namespace ibid::fuzz
