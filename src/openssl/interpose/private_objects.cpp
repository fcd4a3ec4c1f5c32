// SPDX-License-Identifier: Apache-2.0
#include "private_objects.h"

#include <array>
#include <atomic>
#include <new>
#include <utility>

#include "openssl/binding/error_queue.h"
#include "openssl/binding/store_locks.h"
#include "openssl/binding/unwaited_mutex.h"
#include "openssl/certificates/duplicates.h"
#include "openssl/certificates/eligibility.h"
#include "private_store.h"

namespace ibid::openssl::interpose {

namespace {

// ---- Owners

// What ibid keeps with a session in its ex_data. A copy of the session (a ticket's) has the same.
struct session_note {
    const owner_id id;
    std::atomic<unsigned> sessions{1};
    // Of the last verification of its peer: the store, 0 if not known; and how many certificates of the chain
    // do not come from that store, negative if not known. Relaxed: the connection's own thread.
    std::atomic<owner_id> verified_with{0};
    std::atomic<std::uint64_t> stores_ended{0}; // until then
    std::atomic<int> untrusted{-1};
    // Relaxed: of whoever ends the session, after whoever set it.
    std::atomic<bool> has_duplicates{false};
    // Memory for a duplicate ran out once, so this session keeps the originals. Relaxed: a hint.
    std::atomic<bool> has_originals{false};
    // Set when the last session has ended, except for its peer.
    const X509* peer = nullptr;
    session_note* ended_before = nullptr;
};

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
        note->sessions.fetch_add(1, std::memory_order_relaxed);
        delete fresh;
    } else {
        *data = fresh;
    }
    return 1;
}

void on_free(void* session, void* data, CRYPTO_EX_DATA*, int, long, void* of) {
    auto* const note = static_cast<session_note*>(data);
    if (session == nullptr || note == nullptr ||
        note->sessions.fetch_sub(1, std::memory_order_acq_rel) != 1) {
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

// Of ex_data of sessions. 0: not registered yet; OpenSSL gives no 0.
constinit std::array<std::atomic<int>, libcrypto::most> indices_of_notes{};

// Negative: there is none.
[[nodiscard]] int index_of_notes(libcrypto& of) {
    std::atomic<int>& index = indices_of_notes[of.number()];
    if (const int known = index.load(std::memory_order_acquire); known != 0) {
        return known;
    }
    const errors_as_before unsaid(of.f);
    int given =
        of.f.CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL_SESSION, 0, &of, &on_new, &on_copy, &on_free);
    int none = 0;
    // Two threads may each have registered one; the second is never used.
    return index.compare_exchange_strong(none, given, std::memory_order_acq_rel) ? given : none;
}

// Protects notes of sessions that are older than ibid's index, and exchanges in lists. Used only after a
// program that was not known to write uses another getter.
constinit unwaited_mutex exchanging;

// Null: it has none yet.
[[nodiscard]] session_note* known_note_of(const libcrypto& of, SSL_SESSION* session) {
    const int index = indices_of_notes[of.number()].load(std::memory_order_acquire);
    return session != nullptr && index > 0
               ? static_cast<session_note*>(of.f.SSL_SESSION_get_ex_data(session, index))
               : nullptr;
}

// In stock several threads may ask one session for its peer, as that only reads. Null: there is no memory.
[[nodiscard]] session_note* note_of(libcrypto& of, SSL_SESSION* session) {
    const int index = session != nullptr ? index_of_notes(of) : -1;
    if (index < 0) {
        return nullptr;
    }
    if (void* const known = of.f.SSL_SESSION_get_ex_data(session, index)) {
        return static_cast<session_note*>(known);
    }
    const unwaited_lock lock(exchanging);
    if (lock && of.f.SSL_SESSION_get_ex_data(session, index) == nullptr) {
        add_note(of.f, session, index);
    }
    return static_cast<session_note*>(of.f.SSL_SESSION_get_ex_data(session, index));
}

[[nodiscard]] SSL_SESSION* session_of(libcrypto& of, const SSL* ssl) {
    return ssl != nullptr ? of.f.SSL_get_session(ssl) : nullptr;
}

[[nodiscard]] const SSL* connection_of(libcrypto& of, X509_STORE_CTX* verification) {
    return of.f.has_libssl() && verification != nullptr
               ? static_cast<const SSL*>(
                     of.f.X509_STORE_CTX_get_ex_data(verification, of.f.SSL_get_ex_data_X509_STORE_CTX_idx()))
               : nullptr;
}

[[nodiscard]] std::uint64_t stores_ended(libcrypto& of) {
    const trust_store_cache* const stores = of.trust_stores_ever();
    return stores != nullptr ? stores->stores_ended() : 0;
}

// The owner of a connection's certificates: the store for its own objects, otherwise the session.
struct owners {
    SSL_SESSION* session = nullptr;
    owner_id store = 0;
    bool store_is_replaced = false; // it did not take what is its own beforehand

    // Of one certificate of a verified chain. The first `untrusted` ones do not come from the store, also if
    // it has equal ones. If the number is negative, it is not known: a chain of several certificates begins
    // with the one that was verified.
    [[nodiscard]] owners of_element(int at, int count, int untrusted) const noexcept {
        const bool was_sent = untrusted >= 0 ? at < untrusted : at == 0 && count > 1;
        return was_sent ? owners{session, 0} : *this;
    }
};

[[nodiscard]] owners sent_to(libcrypto& of, const SSL* ssl) {
    return {session_of(of, ssl), 0};
}

// A chain that was verified ends in the store that it was verified with. That has objects of its own before.
[[nodiscard]] owners verified_with(libcrypto& of, SSL_SESSION* session, X509_STORE* store) {
    make_private(of, store, store_use::verifies);
    return {session, store != nullptr ? duplicates::owner_of(store) : 0};
}

// If the program has given the connection another store since, the old one may be freed: it is not touched.
[[nodiscard]] owners verified_by(libcrypto& of, const SSL* ssl) {
    X509_STORE* store = nullptr;
    auto* const connection = const_cast<SSL*>(ssl);
    if (ssl != nullptr && of.f.SSL_ctrl(connection, SSL_CTRL_GET_VERIFY_CERT_STORE, 0, &store) == 1 &&
        store == nullptr) {
        store = of.f.SSL_CTX_get_cert_store(of.f.SSL_get_SSL_CTX(ssl));
    }
    SSL_SESSION* const session = session_of(of, ssl);
    const session_note* const note = known_note_of(of, session);
    const owner_id verifier = note != nullptr ? note->verified_with.load(std::memory_order_relaxed) : 0;
    if (verifier != 0 && (store == nullptr || verifier != duplicates::owner_of(store))) {
        // A newer store may be at its address. Then what comes from it belongs to the session.
        const bool may_have_ended = note->stores_ended.load(std::memory_order_relaxed) != stores_ended(of);
        return {session, may_have_ended ? 0 : verifier, !may_have_ended};
    }
    return verified_with(of, session, store);
}

[[nodiscard]] owners sent_in(libcrypto& of, X509_STORE_CTX* verification) {
    return sent_to(of, connection_of(of, verification));
}

[[nodiscard]] owners in_verification(libcrypto& of, X509_STORE_CTX* verification) {
    return verified_with(of, session_of(of, connection_of(of, verification)),
                         verification != nullptr ? of.f.X509_STORE_CTX_get0_store(verification) : nullptr);
}

// ---- Their objects

[[nodiscard]] bool is_shared(libcrypto& of, const X509* x) {
    const certificate_cache* const cache = of.certificates_ever();
    return x != nullptr && cache != nullptr && cache->origin(x) != nullptr;
}

// OpenSSL decodes a certificate's extensions at its first use and keeps the result; later writes do not
// change it.
enum class use : bool { not_yet, verified };

// In a full handshake the peer's chain is verified; a resumed one takes the chain from the session.
[[nodiscard]] use use_in(libcrypto& of, const SSL* ssl) {
    return ssl != nullptr && of.f.SSL_session_reused(ssl) == 0 ? use::verified : use::not_yet;
}

// Null: there is no memory.
[[nodiscard]] X509* duplicate_for(libcrypto& of, session_note& session, X509* x, use so_far) {
    const errors_as_before unsaid(of.f);
    X509* own = of.certificates_ever()->duplicate(x);
    // OpenSSL reports faulty extensions once for each object, and has done so for this one. It is never
    // handed out again, so only this session has it.
    if (own != nullptr && so_far == use::verified && !has_sound_extensions(of.f, own, x)) {
        of.f.X509_free(own);
        of.f.X509_up_ref(x);
        own = x;
    }
    if (own == nullptr) {
        return nullptr;
    }
    of.f.X509_up_ref(x);
    session.has_duplicates.store(true, std::memory_order_relaxed);
    X509* const settled = duplicates::insert(x, session.id, own);
    if (settled != own) {
        of.f.X509_free(x);
        of.f.X509_free(own);
    }
    return settled;
}

// The owner's object for `x`, lent.
[[nodiscard]] X509* own_of(libcrypto& of, const owners& whose, X509* x, use so_far) {
    if (!is_shared(of, x)) {
        return x;
    }
    certificate_cache& cache = *of.certificates_ever();
    if (X509* const own = duplicates::find(x, whose.store)) {
        if (so_far == use::verified) { // as the original's were, so that a later write does not count
            const errors_as_before unsaid(of.f);
            (void)of.f.X509_get_extension_flags(own);
        }
        return own;
    }
    if (cache.is_of(x, whose.store)) {
        return x;
    }
    // A child that has forgotten which stores ibid has filled: make_private() left this store alone, so other
    // stores may have the object, too.
    if (whose.store != 0 && of.trust_stores_ever() != nullptr && of.trust_stores_ever()->has_forgotten()) {
        X509* const own = duplicate_in_store(of, whose.store, x);
        return own != nullptr ? own : x;
    }
    session_note* const note = note_of(of, whose.session);
    const owner_id session = note != nullptr ? note->id : 0;
    if (X509* const own = duplicates::find(x, session)) {
        return own;
    }
    // Without a session the program itself has put it there, and may free what it gets.
    if (whose.session == nullptr) {
        cache.keep_held(x);
        return x;
    }
    if (cache.keep(x, session) || note == nullptr || is_stranded() ||
        note->has_originals.load(std::memory_order_relaxed)) {
        return x;
    }
    X509* const own = duplicate_for(of, *note, x, so_far);
    if (own == nullptr) {
        note->has_originals.store(true, std::memory_order_relaxed); // the call itself must not fail
    }
    return own != nullptr ? own : x;
}

[[nodiscard]] X509* held(const functions& f, X509* lent) {
    if (lent != nullptr) {
        f.X509_up_ref(lent);
    }
    return lent;
}

// `given` has a reference for the caller.
[[nodiscard]] X509* own_of_held(libcrypto& of, const owners& whose, X509* given, use so_far) {
    X509* const own = own_of(of, whose, given, so_far);
    if (own != given) {
        of.f.X509_up_ref(own);
        of.f.X509_free(given);
    }
    return own;
}

[[nodiscard]] OPENSSL_STACK* untyped(STACK_OF(X509) * stack) noexcept {
    return reinterpret_cast<OPENSSL_STACK*>(stack);
}

// Exchanges what is shared in a list for the owner's objects. It is OpenSSL's own list, and owns what is in
// it: the program may take certificates out of it, and put others in.
[[nodiscard]] STACK_OF(X509) *
    own_of(libcrypto& of, const owners& whose, STACK_OF(X509) * lent, use so_far, int untrusted) {
    const functions& f = of.f;
    OPENSSL_STACK* const list = untyped(lent);
    const int count = list != nullptr ? f.OPENSSL_sk_num(list) : 0;
    for (int i = 0; i < count; ++i) {
        auto* const x = static_cast<X509*>(f.OPENSSL_sk_value(list, i));
        X509* const own = own_of(of, whose.of_element(i, count, untrusted), x, so_far);
        if (own == x) {
            continue;
        }
        f.X509_up_ref(own);
        bool exchanged = false;
        {
            const unwaited_lock lock(exchanging); // another thread may read the same list
            exchanged = lock && f.OPENSSL_sk_value(list, i) == x;
            if (exchanged) {
                (void)f.OPENSSL_sk_set(list, i, own);
            }
        }
        f.X509_free(exchanged ? x : own); // there is a reference to either
    }
    return lent;
}

// What comes from a store belongs to it if it has no owner.
void keep_for_store(libcrypto& of, owner_id store, STACK_OF(X509) * chain, int untrusted) {
    const functions& f = of.f;
    const int count = chain != nullptr ? f.OPENSSL_sk_num(untyped(chain)) : 0;
    for (int i = untrusted; i >= 0 && i < count; ++i) {
        auto* const x = static_cast<X509*>(f.OPENSSL_sk_value(untyped(chain), i));
        if (is_shared(of, x) && duplicates::find(x, store) == nullptr) {
            (void)of.certificates_ever()->keep(x, store);
        }
    }
}

} // namespace

X509* peer_of_connection(libcrypto& of, const SSL* ssl) {
    return own_of(of, sent_to(of, ssl), of.f.SSL_get0_peer_certificate(ssl), use_in(of, ssl));
}

X509* peer_of_connection_held(libcrypto& of, const SSL* ssl) {
    return held(of.f, peer_of_connection(of, ssl));
}

STACK_OF(X509) * chain_of_connection(libcrypto& of, const SSL* ssl) {
    return own_of(of, sent_to(of, ssl), of.f.SSL_get_peer_cert_chain(ssl), use_in(of, ssl), 0);
}

STACK_OF(X509) * verified_of_connection(libcrypto& of, const SSL* ssl) {
    const owners whose = verified_by(of, ssl);
    STACK_OF(X509)* const chain = of.f.SSL_get0_verified_chain(ssl);
    const session_note* const note = known_note_of(of, whose.session);
    const int untrusted = note != nullptr ? note->untrusted.load(std::memory_order_relaxed) : -1;
    if (whose.store_is_replaced) {
        keep_for_store(of, whose.store, chain, untrusted);
    }
    return own_of(of, whose, chain, use_in(of, ssl), untrusted);
}

int dane_authority_of_connection(libcrypto& of, SSL* ssl, X509** matched, EVP_PKEY** key) {
    const int depth = of.f.SSL_get0_dane_authority(ssl, matched, key);
    if (depth >= 0 && matched != nullptr) {
        *matched = own_of(of, verified_by(of, ssl), *matched, use_in(of, ssl));
    }
    return depth;
}

X509* peer_of_session(libcrypto& of, const SSL_SESSION* session) {
    auto* const s = const_cast<SSL_SESSION*>(session);
    return own_of(of, {s, 0}, of.f.SSL_SESSION_get0_peer(s), use::not_yet);
}

void prepare_session(libcrypto& of, X509_STORE_CTX* verification) {
    if (of.made_certificates() == nullptr) {
        return;
    }
    session_note* const note = note_of(of, session_of(of, connection_of(of, verification)));
    const X509_STORE* const store = of.f.X509_STORE_CTX_get0_store(verification);
    if (note != nullptr && store != nullptr) {
        note->verified_with.store(duplicates::owner_of(store), std::memory_order_relaxed);
        note->stores_ended.store(stores_ended(of), std::memory_order_relaxed);
    }
}

void note_chain(libcrypto& of, X509_STORE_CTX* verification) {
    if (session_note* const note = known_note_of(of, session_of(of, connection_of(of, verification)))) {
        note->untrusted.store(of.f.X509_STORE_CTX_get_num_untrusted(verification), std::memory_order_relaxed);
    }
}

X509* of_verification(libcrypto& of, X509_STORE_CTX* verification, X509* lent, int above) {
    const functions& f = of.f;
    const OPENSSL_STACK* const chain = untyped(f.X509_STORE_CTX_get0_chain(verification));
    const int count = chain != nullptr ? f.OPENSSL_sk_num(chain) : 0;
    int at = f.X509_STORE_CTX_get_error_depth(verification) + above;
    if (at >= count || f.OPENSSL_sk_value(chain, at) != lent) { // its own issuer, or not in the chain (yet)
        at -= above;
    }
    const bool is_in_chain = at >= 0 && at < count && f.OPENSSL_sk_value(chain, at) == lent;
    const owners whose = in_verification(of, verification);
    const int untrusted = f.X509_STORE_CTX_get_num_untrusted(verification);
    return own_of(of, is_in_chain ? whose.of_element(at, count, untrusted) : whose, lent, use::verified);
}

X509* sent_to_verification(libcrypto& of, X509_STORE_CTX* verification, X509* lent) {
    return own_of(of, sent_in(of, verification), lent, use::verified);
}

STACK_OF(X509) * sent_to_verification(libcrypto& of, X509_STORE_CTX* verification, STACK_OF(X509) * lent) {
    return own_of(of, sent_in(of, verification), lent, use::verified, 0);
}

STACK_OF(X509) * of_verification(libcrypto& of, X509_STORE_CTX* verification, STACK_OF(X509) * lent) {
    const int untrusted = of.f.X509_STORE_CTX_get_num_untrusted(verification);
    return own_of(of, in_verification(of, verification), lent, use::verified, untrusted);
}

STACK_OF(X509) * of_verification_held(libcrypto& of, X509_STORE_CTX* verification, STACK_OF(X509) * given) {
    const owners whose = in_verification(of, verification);
    const int untrusted = of.f.X509_STORE_CTX_get_num_untrusted(verification);
    const int count = given != nullptr ? of.f.OPENSSL_sk_num(untyped(given)) : 0;
    for (int i = 0; i < count; ++i) {
        auto* const x = static_cast<X509*>(of.f.OPENSSL_sk_value(untyped(given), i));
        const owners its = whose.of_element(i, count, untrusted);
        of.f.OPENSSL_sk_set(untyped(given), i, own_of_held(of, its, x, use::verified));
    }
    return given;
}

void let_go_in_libssl(libcrypto& of, X509* x) {
    of.f.X509_free(x);
    if (ending != nullptr && ending->peer == x) {
        const session_note* const ended = std::exchange(ending, ending->ended_before);
        duplicates::forget(of.f, ended->id);
        delete ended;
    }
}

void lock_for_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    exchanging.lock_for_fork();
    store_locks::lock_for_fork();
}

void unlock_after_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    store_locks::unlock_after_fork();
    exchanging.unlock_after_fork();
}

// ---- An attacher's lease

X509* lease_peer(libcrypto& of, const SSL* ssl) {
    X509* const x = of.f.SSL_get1_peer_certificate(ssl);
    if (!is_shared(of, x)) {
        return x;
    }
    // Once a session's user has a duplicate, that is the session's object.
    const owners whose = sent_to(of, ssl);
    const session_note* const note = note_of(of, whose.session);
    if (note != nullptr && duplicates::find(x, note->id) == nullptr &&
        of.certificates_ever()->take(x, note->id)) {
        return x;
    }
    of.set_has_writer();
    return own_of_held(of, whose, x, use_in(of, ssl));
}

int index_of_sessions(const libcrypto& of) noexcept {
    return indices_of_notes[of.number()].load(std::memory_order_acquire);
}

void register_index_of_sessions(libcrypto& of) {
    (void)index_of_notes(of);
}

int attach(libcrypto& of, X509* x, int index, void* data) {
    if (certificate_cache* const cache = of.certificates_ever()) {
        cache->keep_attached(x);
    }
    return of.f.X509_set_ex_data(x, index, data);
}

int hold(libcrypto& of, X509* x) {
    if (certificate_cache* const cache = of.certificates_ever()) {
        cache->add(x);
    }
    return of.f.X509_up_ref(x);
}

void let_go(libcrypto& of, X509* x) {
    if (certificate_cache* const cache = of.certificates_ever()) {
        cache->drop(x);
    }
    of.f.X509_free(x);
}

void keep_held(libcrypto& of, X509* x) {
    if (certificate_cache* const cache = of.certificates_ever(); cache != nullptr && x != nullptr) {
        cache->keep_held(x);
    }
}

void keep_held(libcrypto& of, STACK_OF(X509) * all) {
    const int count = all != nullptr ? of.f.OPENSSL_sk_num(untyped(all)) : 0;
    for (int i = 0; i < count; ++i) {
        keep_held(of, static_cast<X509*>(of.f.OPENSSL_sk_value(untyped(all), i)));
    }
}

} // namespace ibid::openssl::interpose
