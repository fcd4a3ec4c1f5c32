// SPDX-License-Identifier: Apache-2.0
#include "session_notes.h"

#include <array>
#include <new>
#include <utility>

#include "openssl/binding/error_queue.h"
#include "openssl/binding/unwaited_mutex.h"
#include "openssl/certificates/duplicates.h"

namespace ibid::openssl::interpose {

namespace {

constinit std::atomic<owner_id> last_id{0};

// The sessions that this thread is ending, the innermost first. Their duplicates stay until OpenSSL frees the
// peer: after all free functions of the program's, one of which may look at it.
constinit thread_local session_note* ending = nullptr;

// Gives a session that only the caller has its note.
void add_note(const functions& f, SSL_SESSION* session, int index) {
    // With room for the program's data behind it, so that nothing moves when the program sets that: another
    // thread may be asking for the note.
    constexpr int room = 4;
    const errors_as_before unsaid(f);
    auto* const note = new (std::nothrow) session_note{last_id.fetch_add(1, std::memory_order_relaxed) + 1};
    (void)f.SSL_SESSION_set_ex_data(session, index + room, nullptr);
    if (note != nullptr && f.SSL_SESSION_set_ex_data(session, index, note) != 1) {
        delete note;
    }
}

void on_new(void* session, void*, CRYPTO_EX_DATA*, int index, long, void* of) {
    const auto& its = *static_cast<const libcrypto*>(of);
    if (session != nullptr && its.gives_own_objects()) { // null: a program's own call of CRYPTO_new_ex_data
        add_note(its.f, static_cast<SSL_SESSION*>(session), index);
    }
}

// The copy was new before, and has a note of its own.
int on_copy(CRYPTO_EX_DATA* copy, const CRYPTO_EX_DATA*, void** data, int index, long, void* of) {
    const functions& f = static_cast<const libcrypto*>(of)->f;
    auto* const fresh = static_cast<session_note*>(f.CRYPTO_get_ex_data(copy, index));
    if (auto* const note = static_cast<session_note*>(*data)) {
        note->holders.fetch_add(1, std::memory_order_relaxed);
        delete fresh;
    } else {
        *data = fresh;
    }
    return 1;
}

void on_free(void* session, void* data, CRYPTO_EX_DATA*, int, long, void* of) {
    auto* const note = static_cast<session_note*>(data);
    if (session == nullptr || note == nullptr || note->holders.fetch_sub(1, std::memory_order_acq_rel) != 1) {
        return;
    }
    if (!note->has_duplicates.load(std::memory_order_relaxed)) {
        delete note;
        return;
    }
    note->peer =
        static_cast<const libcrypto*>(of)->f.SSL_SESSION_get0_peer(static_cast<SSL_SESSION*>(session));
    note->ended_before = std::exchange(ending, note);
}

// A connection no longer has its note. The sessions may have ended before.
void drop(const functions& f, session_note* note) {
    if (note == nullptr || note->holders.fetch_sub(1, std::memory_order_acq_rel) != 1) {
        return;
    }
    if (note->has_duplicates.load(std::memory_order_relaxed)) {
        duplicates::forget(f, note->id);
    }
    delete note;
}

int on_copy_of_connection(CRYPTO_EX_DATA*, const CRYPTO_EX_DATA*, void** data, int, long, void*) {
    *data = nullptr; // the copy has verified nothing
    return 1;
}

void on_free_of_connection(void* ssl, void* note, CRYPTO_EX_DATA*, int, long, void* of) {
    if (ssl != nullptr) {
        drop(static_cast<const libcrypto*>(of)->f, static_cast<session_note*>(note));
    }
}

// Of ex_data. 0: not registered yet; OpenSSL gives no 0.
using indices = std::array<std::atomic<int>, libcrypto::most>;
constinit indices of_sessions{};
constinit indices of_connections{};

// Negative: there is none.
[[nodiscard]] int registered(libcrypto& of, indices& in, int object_class, CRYPTO_EX_new* made,
                             CRYPTO_EX_dup* copied, CRYPTO_EX_free* freed) {
    std::atomic<int>& index = in[of.number()];
    if (const int known = index.load(std::memory_order_acquire); known != 0) {
        return known;
    }
    const errors_as_before unsaid(of.f);
    const int given = of.f.CRYPTO_get_ex_new_index(object_class, 0, &of, made, copied, freed);
    int none = 0;
    // Two threads may each have registered one; the second is never used.
    return index.compare_exchange_strong(none, given, std::memory_order_acq_rel) ? given : none;
}
[[nodiscard]] int index_of_notes(libcrypto& of) {
    return registered(of, of_sessions, CRYPTO_EX_INDEX_SSL_SESSION, &on_new, &on_copy, &on_free);
}
[[nodiscard]] int index_of_chains(libcrypto& of) {
    return registered(of, of_connections, CRYPTO_EX_INDEX_SSL, nullptr, &on_copy_of_connection,
                      &on_free_of_connection);
}

// Protects the notes of sessions that are older than ibid's index.
constinit unwaited_mutex adding;

} // namespace

session_note* known_note_of(const libcrypto& of, SSL_SESSION* session) {
    const int index = index_of_sessions(of);
    return session != nullptr && index > 0
               ? static_cast<session_note*>(of.f.SSL_SESSION_get_ex_data(session, index))
               : nullptr;
}

session_note* note_of(libcrypto& of, SSL_SESSION* session) {
    const int index = session != nullptr ? index_of_notes(of) : -1;
    if (index < 0) {
        return nullptr;
    }
    if (void* const known = of.f.SSL_SESSION_get_ex_data(session, index)) {
        return static_cast<session_note*>(known);
    }
    const unwaited_lock lock(adding);
    if (lock && of.f.SSL_SESSION_get_ex_data(session, index) == nullptr) {
        add_note(of.f, session, index);
    }
    return static_cast<session_note*>(of.f.SSL_SESSION_get_ex_data(session, index));
}

int index_of_sessions(const libcrypto& of) noexcept {
    return of_sessions[of.number()].load(std::memory_order_acquire);
}

void register_index_of_sessions(libcrypto& of) {
    (void)index_of_notes(of);
}

session_note* note_of_chain(const libcrypto& of, const SSL* ssl) {
    const int index = index_of_connections(of);
    return ssl != nullptr && index > 0 ? static_cast<session_note*>(of.f.SSL_get_ex_data(ssl, index))
                                       : nullptr;
}

void set_note_of_chain(libcrypto& of, SSL* ssl, session_note* note) {
    session_note* const before = note_of_chain(of, ssl);
    const int index = ssl != nullptr && note != before ? index_of_chains(of) : -1;
    if (index < 0) {
        return;
    }
    if (note != nullptr) {
        note->holders.fetch_add(1, std::memory_order_relaxed);
    }
    const errors_as_before unsaid(of.f);
    if (of.f.SSL_set_ex_data(ssl, index, note) == 1) {
        drop(of.f, before);
    } else {
        drop(of.f, note);
    }
}

int index_of_connections(const libcrypto& of) noexcept {
    return of_connections[of.number()].load(std::memory_order_acquire);
}

void register_index_of_connections(libcrypto& of) {
    (void)index_of_chains(of);
}

void let_go_in_libssl(libcrypto& of, X509* x) {
    of.f.X509_free(x);
    if (ending != nullptr && ending->peer == x) {
        const session_note* const ended = std::exchange(ending, ending->ended_before);
        duplicates::forget(of.f, ended->id);
        delete ended;
    }
}

void lock_notes_for_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    adding.lock_for_fork();
}

void unlock_notes_after_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    adding.unlock_after_fork();
}

} // namespace ibid::openssl::interpose
