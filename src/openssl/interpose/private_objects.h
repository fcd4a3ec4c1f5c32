// SPDX-License-Identifier: Apache-2.0
//
// Private objects for modules that may write.
//
// A pointer that was given out cannot be taken back, so a writer must get a private object before it writes.
//  - An *attacher* (nginx) attaches data to certificates that it made itself, and hardly ever to a peer's. It
//    gets the shared object by a lease: while one session's user holds it, users of other sessions get
//    duplicates. Once data was attached, the object belongs to that session.
//  - With a *writer*, and with an attacher that uses another getter, nothing is shared. Objects that
//    connections had before that was known are replaced at the getter, also in OpenSSL's own lists. There is
//    one duplicate for each session, because in stock the connections of one session share the peer's object.
//    A trust store gets its own duplicates once.
//
// Law: what one connection, store or context does to an object by OpenSSL's public calls is seen only where
// it would be seen in stock. Why: docs/decisions/0008-who-may-write.md.
#pragma once

#include "openssl/instance/libcrypto.h"

namespace ibid::openssl::interpose {

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

// Called while a handshake verifies its peer, when no other thread has the session yet. Prepares a set for
// the session's objects, so that copies of the session get the same set, and its ex_data is not written to
// later.
void prepare_session(libcrypto& of, X509_STORE_CTX* verification);

// For the getters of a verification: certificates that it lends, lends as a stack, or gives.
[[nodiscard]] X509* of_verification(libcrypto& of, X509_STORE_CTX* verification, X509* lent);
[[nodiscard]] STACK_OF(X509) *
    of_verification(libcrypto& of, X509_STORE_CTX* verification, STACK_OF(X509) * lent);
[[nodiscard]] X509* of_verification_held(libcrypto& of, X509_STORE_CTX* verification, X509* given);
[[nodiscard]] STACK_OF(X509) *
    of_verification_held(libcrypto& of, X509_STORE_CTX* verification, STACK_OF(X509) * given);

// ibid's index of ex_data of sessions; 0 or negative: none is registered.
[[nodiscard]] int index_of_sessions(const libcrypto& of) noexcept;
void register_index_of_sessions(libcrypto& of);

// Around fork().
void lock_for_fork() noexcept;
void unlock_after_fork() noexcept;

// An attacher's own calls.
[[nodiscard]] X509* lease_peer(libcrypto& of, const SSL* ssl); // SSL_get1_peer_certificate
int attach(libcrypto& of, X509* x, int index, void* data);     // X509_set_ex_data
int hold(libcrypto& of, X509* x);                              // X509_up_ref
void let_go(libcrypto& of, X509* x);                           // X509_free

} // namespace ibid::openssl::interpose
