// SPDX-License-Identifier: Apache-2.0
//
// Private objects for modules that may write.
//
// A pointer that was given out cannot be taken back, so a writer must get a private object before it writes.
//  - An *attacher* (nginx) attaches data to certificates that it made itself, and hardly ever to a peer's. It
//    gets the shared object by a lease (leases.h), as long as one session's users have it at a time. Once
//    data was attached, the object belongs to that session.
//  - With a *writer*, and with an attacher that uses another getter or holds one certificate for two
//    sessions, nothing is shared any more. If ibid has seen every getter so far, an object that was shared
//    before belongs to the first session or store that asks for it. All others get duplicates, also in
//    OpenSSL's own lists: one for a session with all of its copies, as in stock; one for a store, to which a
//    verified chain's root belongs.
//
// Law: what one connection, store or context does to an object by OpenSSL's public calls is seen only where
// it would be seen in stock. Why: docs/decisions/0008-who-may-write.md.
#pragma once

#include "openssl/instance/libcrypto.h"

namespace ibid::openssl::interpose {

// Whether ibid has given, or may give, this object to others.
[[nodiscard]] bool is_shared(libcrypto& of, const X509* x);

// Functions that give an object to a writer (of both kinds: attachers use the lease for
// SSL_get1_peer_certificate alone).
[[nodiscard]] X509* peer_of_connection(libcrypto& of, const SSL* ssl);      // SSL_get0_peer_certificate
[[nodiscard]] X509* peer_of_connection_held(libcrypto& of, const SSL* ssl); // SSL_get1_peer_certificate
[[nodiscard]] STACK_OF(X509) * chain_of_connection(libcrypto& of, const SSL* ssl); // SSL_get_peer_cert_chain
[[nodiscard]] STACK_OF(X509) *
    verified_of_connection(libcrypto& of, const SSL* ssl); // SSL_get0_verified_chain
int dane_authority_of_connection(libcrypto& of, SSL* ssl, X509** matched,
                                 EVP_PKEY** key);                               // SSL_get0_dane_authority
[[nodiscard]] X509* peer_of_session(libcrypto& of, const SSL_SESSION* session); // SSL_SESSION_get0_peer

// For the getters of a verification (lent, a list, or with references), and for what the peer sent. `above`:
// of the certificate at the current depth 0, of its issuer 1.
[[nodiscard]] X509* of_verification(libcrypto& of, X509_STORE_CTX* verification, X509* lent, int above);
[[nodiscard]] STACK_OF(X509) *
    of_verification(libcrypto& of, X509_STORE_CTX* verification, STACK_OF(X509) * lent);
[[nodiscard]] X509* sent_to_verification(libcrypto& of, X509_STORE_CTX* verification, X509* lent);
[[nodiscard]] STACK_OF(X509) *
    sent_to_verification(libcrypto& of, X509_STORE_CTX* verification, STACK_OF(X509) * lent);
[[nodiscard]] STACK_OF(X509) *
    of_verification_held(libcrypto& of, X509_STORE_CTX* verification, STACK_OF(X509) * given);

// Around fork().
void lock_for_fork() noexcept;
void unlock_after_fork() noexcept;

} // namespace ibid::openssl::interpose
