// SPDX-License-Identifier: Apache-2.0
//
// To whom the certificates of a connection or a verification belong: what its store had, to the store; what
// the peer sent, to the session.
#pragma once

#include "openssl/certificates/lease.h"
#include "openssl/instance/libcrypto.h"
#include "session_notes.h"

namespace ibid::openssl::interpose {

struct owners {
    SSL_SESSION* session = nullptr;
    session_note* note = nullptr; // of another session; null: the session's own
    owner_id store = 0;
    bool store_is_replaced = false; // it did not take what is its own beforehand

    // Of one certificate of a verified chain. The first `untrusted` ones do not come from the store, also if
    // it has equal ones. If the number is negative, it is not known: a chain of several certificates begins
    // with the one that was verified.
    [[nodiscard]] owners of_element(int at, int count, int untrusted) const noexcept {
        const bool was_sent = untrusted >= 0 ? at < untrusted : at == 0 && count > 1;
        return was_sent ? owners{session, note} : *this;
    }
};

// What the peer sent on this connection, or what this verification was given.
[[nodiscard]] owners sent_to(libcrypto& of, const SSL* ssl);
[[nodiscard]] owners sent_in(libcrypto& of, X509_STORE_CTX* verification);

// The chain that this connection's last verification has found, or that this one is finding.
[[nodiscard]] owners verified_by(libcrypto& of, const SSL* ssl);
[[nodiscard]] owners in_verification(libcrypto& of, X509_STORE_CTX* verification);

// Before a handshake verifies its peer. Nobody else has its session yet: it becomes an owner, if it began
// before the index was registered, and the chain is its.
void prepare_session(libcrypto& of, X509_STORE_CTX* verification);
// After it: how much of the chain comes from the store. In an attacher.
void note_chain(libcrypto& of, X509_STORE_CTX* verification);

} // namespace ibid::openssl::interpose
