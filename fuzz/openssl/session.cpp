// SPDX-License-Identifier: Apache-2.0
//
// A serialized session: the input itself, or a valid session with the input instead of the peer.
#include "owned.h"
#include "scenes.h"
#include "session_bytes.h"

namespace ibid::fuzz {

namespace {

void append_value(byte_string& to, std::uint8_t tag, std::span<const unsigned char> body) {
    to.insert(to.end(),
              {tag, 0x83, static_cast<unsigned char>(body.size() >> 16),
               static_cast<unsigned char>(body.size() >> 8), static_cast<unsigned char>(body.size())});
    to.insert(to.end(), body.begin(), body.end());
}

} // namespace

// SSL_SESSION_ASN1 in ssl/ssl_asn1.c: version, protocol, cipher, id, secret, [1] time, [2] timeout, [3] peer,
// [5] result.
byte_string session_with(std::span<const unsigned char> peer, bool sound) {
    static constexpr unsigned char begin[] = {0x02, 0x01, 0x01, 0x02, 0x02, 0x03,
                                              0x03, 0x04, 0x02, 0xc0, 0x2b};
    byte_string body(std::begin(begin), std::end(begin));
    append_value(body, 0x04, byte_string(32, 0x11));
    append_value(body, 0x04, byte_string(48, 0x22));
    body.insert(body.end(),
                {0xa1, 0x06, 0x02, 0x04, 0x60, 0x00, 0x00, 0x00, 0xa2, 0x04, 0x02, 0x02, 0x1c, 0x20});
    append_value(body, 0xa3, peer);
    // Behind the peer: a verification result, or something invalid, so that the decoded parts are freed
    // again.
    body.insert(body.end(), {0xa5, 0x03, static_cast<unsigned char>(sound ? 0x02 : 0x04), 0x01, 0x00});
    byte_string session;
    append_value(session, 0x30, body);
    return session;
}

void play_session(const input& in, outcome& seen) {
    seen.about("session");
    byte_string bytes(in.payload.begin(), in.payload.end());
    if (in.choice(0, 1) == 0) {
        bytes = session_with(in.payload, in.choice(1, 2) != 3);
    }
    const auto size = static_cast<long>(bytes.size()) - (in.choice(3, 3) == 7 ? 1 : 0);
    bytes.push_back(0);
    owned_session kept;
    for (int i = 0; i < 3; ++i) {
        const unsigned char* p = bytes.data();
        SSL_SESSION* a = i == 2 && in.choice(6, 1) != 0 ? kept.release() : nullptr;
        SSL_SESSION* const got = d2i_SSL_SESSION(i == 2 ? &a : nullptr, &p, size);
        seen.errors();
        seen.number("session", got != nullptr ? 1 : 0);
        seen.number("advance", p - bytes.data());
        if (got != nullptr) {
            seen.certificate("peer", SSL_SESSION_get0_peer(got));
            unsigned char* der = nullptr;
            const int length = i2d_SSL_SESSION(got, &der);
            seen.bytes("der", der, length > 0 ? static_cast<std::size_t>(length) : 0);
            OPENSSL_free(der);
            seen.errors();
        }
        if (i == 0) {
            kept.reset(got);
        } else if (i == 2) {
            seen.number("*a is the result", a == got ? 1 : 0);
            SSL_SESSION_free(a);
        } else {
            SSL_SESSION_free(got);
        }
    }
}

} // namespace ibid::fuzz
