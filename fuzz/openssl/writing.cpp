// SPDX-License-Identifier: Apache-2.0
//
// A program writes to a certificate that it decoded, or got from a session. It sees the change; code that
// gets the same bytes before or afterwards does not.
#include <openssl/x509v3.h>

#include <vector>

#include "owned.h"
#include "scenes.h"
#include "session_bytes.h"

namespace ibid::fuzz {

namespace {

[[nodiscard]] owned_x509 decode(const input& in) {
    const unsigned char* p = in.payload.data();
    return owned_x509(d2i_X509(nullptr, &p, static_cast<long>(in.payload.size())));
}

int write(unsigned setter, X509* x) {
    static constexpr unsigned char text[] = "ibid";
    switch (setter) {
    case 0:
        return X509_alias_set1(x, text, 4);
    case 1:
        return X509_keyid_set1(x, text, 4);
    case 2:
        return X509_add1_trust_object(x, OBJ_nid2obj(NID_server_auth));
    case 3:
        return X509_add1_reject_object(x, OBJ_nid2obj(NID_client_auth));
    case 4:
        return X509_set_version(x, X509_VERSION_1);
    case 5:
        return X509_set_issuer_name(x, X509_get_subject_name(x));
    case 6:
        return X509_set_subject_name(x, X509_get_issuer_name(x));
    case 7:
        return X509_set1_notBefore(x, X509_get0_notAfter(x));
    case 8:
        return X509_set1_notAfter(x, X509_get0_notBefore(x));
    case 9: {
        X509_EXTENSION* const gone = X509_delete_ext(x, 0);
        X509_EXTENSION_free(gone);
        return gone != nullptr ? 1 : 0;
    }
    case 10: {
        BASIC_CONSTRAINTS* const constraints = BASIC_CONSTRAINTS_new();
        const int result = X509_add1_ext_i2d(x, NID_basic_constraints, constraints, 1, X509V3_ADD_REPLACE);
        BASIC_CONSTRAINTS_free(constraints);
        return result;
    }
    case 11:
        X509_set_proxy_flag(x);
        return 1;
    case 12: {
        EVP_PKEY* const key =
            X509_get_pubkey(x); // with a reference, because the old key is freed before the new one is taken
        const int result = key != nullptr ? X509_set_pubkey(x, key) : -1;
        EVP_PKEY_free(key);
        return result;
    }
    case 13: {
        unsigned char* der = nullptr;
        const int size = i2d_re_X509_tbs(x, &der);
        OPENSSL_free(der);
        return size;
    }
    default:
        X509_trust_clear(x);
        return 1;
    }
}

// A different object each time: decoded by the program, or by libssl in a session, which is kept.
class source {
public:
    source(const input& in, bool in_session) : in_(in), in_session_(in_session) {}

    [[nodiscard]] X509* next() {
        if (!in_session_) {
            decoded_.push_back(decode(in_));
            return decoded_.back().get();
        }
        const byte_string bytes = session_with(in_.payload, true);
        const unsigned char* p = bytes.data();
        sessions_.emplace_back(d2i_SSL_SESSION(nullptr, &p, static_cast<long>(bytes.size())));
        return sessions_.back() != nullptr ? SSL_SESSION_get0_peer(sessions_.back().get()) : nullptr;
    }

private:
    const input& in_;
    bool in_session_;
    std::vector<owned_x509> decoded_;
    std::vector<owned_session> sessions_;
};

void write_to(source from, const input& in, outcome& seen) {
    X509* const written = from.next();
    seen.errors();
    if (written == nullptr) {
        return;
    }
    seen.certificate("unwritten", written);
    X509* const held = from.next();
    seen.certificate("held", held);
    seen.number("setter", write(in.choice(0, 4), written));
    seen.errors();
    seen.certificate("written", written);
    X509* const fresh = from.next();
    seen.errors();
    // OpenSSL decodes the extensions late, and it matters whether that is before or after a write. So they
    // are decoded before, as for every peer; for a shared certificate this has already happened.
    seen.certificate("fresh", fresh);
    seen.number("setter again", write(in.choice(4, 4), fresh));
    seen.errors();
    seen.certificate("written", fresh);
    seen.certificate("held", held);
}

} // namespace

void play_writing(const input& in, outcome& seen) {
    seen.about("writing");
    write_to(source(in, false), in, seen);
    seen.about("writing to a session's peer");
    write_to(source(in, true), in, seen);
}

} // namespace ibid::fuzz
