// SPDX-License-Identifier: Apache-2.0
#include "private_objects.h"

#include "openssl/binding/error_queue.h"
#include "openssl/binding/store_locks.h"
#include "openssl/binding/unwaited_mutex.h"
#include "openssl/certificates/duplicates.h"
#include "openssl/certificates/eligibility.h"
#include "owners.h"
#include "private_store.h"
#include "session_notes.h"

namespace ibid::openssl::interpose {

namespace {

// Protects exchanges in lists. Used only after a program that was not known to write uses another getter.
constinit unwaited_mutex exchanging;

// OpenSSL decodes a certificate's extensions at its first use and keeps the result; later writes do not
// change it.
enum class use : bool { not_yet, verified };

// In a full handshake what the peer sent is verified; a resumed one takes it from the session.
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
    session_note* const note = whose.note != nullptr ? whose.note : note_of(of, whose.session);
    const owner_id session = note != nullptr ? note->id : 0;
    if (X509* const own = duplicates::find(x, session)) {
        return own;
    }
    // Without a session the program itself has put it there, and may free what it gets.
    if (whose.session == nullptr && whose.note == nullptr) {
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

bool is_shared(libcrypto& of, const X509* x) {
    const certificate_cache* const cache = of.certificates_ever();
    return x != nullptr && cache != nullptr && cache->origin(x) != nullptr;
}

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
    const session_note* const note = whose.note != nullptr ? whose.note : known_note_of(of, whose.session);
    const int untrusted = note != nullptr ? note->untrusted.load(std::memory_order_relaxed) : -1;
    if (whose.store_is_replaced) {
        keep_for_store(of, whose.store, chain, untrusted);
    }
    return own_of(of, whose, chain, use::verified, untrusted);
}

int dane_authority_of_connection(libcrypto& of, SSL* ssl, X509** matched, EVP_PKEY** key) {
    const int depth = of.f.SSL_get0_dane_authority(ssl, matched, key);
    if (depth >= 0 && matched != nullptr) {
        *matched = own_of(of, verified_by(of, ssl), *matched, use::verified);
    }
    return depth;
}

X509* peer_of_session(libcrypto& of, const SSL_SESSION* session) {
    auto* const s = const_cast<SSL_SESSION*>(session);
    return own_of(of, {s}, of.f.SSL_SESSION_get0_peer(s), use::not_yet);
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

void lock_for_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    exchanging.lock_for_fork();
    lock_notes_for_fork();
    store_locks::lock_for_fork();
}

void unlock_after_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    store_locks::unlock_after_fork();
    unlock_notes_after_fork();
    exchanging.unlock_after_fork();
}

} // namespace ibid::openssl::interpose
