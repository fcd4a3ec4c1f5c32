// SPDX-License-Identifier: Apache-2.0
//
// What ibid keeps with a TLS session in its ex_data: the number by which the session owns objects
// (certificates/duplicates.h), and how its peer was verified. A copy of the session (a ticket's) has the same
// note. So has the connection that has verified the peer: its verified chain stays when it gets another
// session.
//
// Thread safety: in stock several threads may ask one session for its peer, as that only reads. So any thread
// may ask for its note.
#pragma once

#include <atomic>
#include <cstdint>

#include "openssl/certificates/lease.h"
#include "openssl/instance/libcrypto.h"

namespace ibid::openssl::interpose {

struct session_note {
    const owner_id id;
    std::atomic<unsigned> holders{1}; // sessions and connections
    // Of the last verification of its peer: the store, 0 if not known; and how many certificates of the chain
    // do not come from that store, negative if not known. Relaxed: the connection's own thread.
    std::atomic<owner_id> verified_with{0};
    std::atomic<std::uint64_t> stores_ended{0}; // until then
    std::atomic<int> untrusted{-1};
    // Relaxed: of whoever ends the last holder, after whoever set it.
    std::atomic<bool> has_duplicates{false};
    // Memory for a duplicate ran out once, so this session keeps the originals. Relaxed: a hint.
    std::atomic<bool> has_originals{false};
    // Set when the last holder, a session, has ended except for its peer.
    const X509* peer = nullptr;
    session_note* ended_before = nullptr;
};

// Null: it has none yet.
[[nodiscard]] session_note* known_note_of(const libcrypto& of, SSL_SESSION* session);

// Null: there is no session, or no memory.
[[nodiscard]] session_note* note_of(libcrypto& of, SSL_SESSION* session);

// Of the session for which this connection's chain was verified. Null: not known.
[[nodiscard]] session_note* note_of_chain(const libcrypto& of, const SSL* ssl);
// The connection verifies a chain for the session with this note; null: for one without.
void set_note_of_chain(libcrypto& of, SSL* ssl, session_note* note);

// ibid's indices of ex_data of sessions and connections; 0 or negative: none is registered. In an attacher,
// sessions that begin from then on are owners.
[[nodiscard]] int index_of_sessions(const libcrypto& of) noexcept;
void register_index_of_sessions(libcrypto& of);
[[nodiscard]] int index_of_connections(const libcrypto& of) noexcept;
void register_index_of_connections(libcrypto& of);

// libssl's X509_free: a session's duplicates end with its peer.
void let_go_in_libssl(libcrypto& of, X509* x);

// Around fork().
void lock_notes_for_fork() noexcept;
void unlock_notes_after_fork() noexcept;

} // namespace ibid::openssl::interpose
