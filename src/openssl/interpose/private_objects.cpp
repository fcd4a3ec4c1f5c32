// SPDX-License-Identifier: Apache-2.0
#include "private_objects.h"

#include <array>
#include <atomic>
#include <new>
#include <utility>

#include "ibid/detail/base/mutex.h"
#include "openssl/binding/error_queue.h"
#include "openssl/certificates/eligibility.h"
#include "openssl/certificates/leases.h"

namespace ibid::openssl::interpose {

namespace {

// The objects of one session: duplicates of shared certificates. A copy of the session (for a ticket) has the
// same set. Freed with the last of them.
struct private_set {
    struct certificate {
        X509* shared; // with a reference, so that its address is not reused
        X509* own;
        certificate* next;
    };
    std::atomic<unsigned> sessions{1};
    certificate* certificates = nullptr;

    // Null: none. Under the lock of all sets.
    [[nodiscard]] X509* find(const X509* of_shared) const noexcept {
        for (const auto* c = certificates; c != nullptr; c = c->next) {
            if (c->shared == of_shared) {
                return c->own;
            }
        }
        return nullptr;
    }
};

// Protects the contents of all private sets, and replacements in lists. OpenSSL functions called under it
// only read or write one word.
constinit detail::mutex sets;

void destroy(const functions& f, private_set* set) {
    while (set->certificates != nullptr) {
        auto* const c = std::exchange(set->certificates, set->certificates->next);
        f.X509_free(c->shared);
        f.X509_free(c->own);
        delete c;
    }
    delete set;
}

// ex_data callbacks of sessions.
int on_copy(CRYPTO_EX_DATA*, const CRYPTO_EX_DATA*, void** set, int, long, void*) noexcept {
    if (*set != nullptr) {
        static_cast<private_set*>(*set)->sessions.fetch_add(1, std::memory_order_relaxed);
    }
    return 1;
}

void on_free(void*, void* set, CRYPTO_EX_DATA*, int, long, void* of) {
    auto* const s = static_cast<private_set*>(set);
    if (s != nullptr && s->sessions.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        destroy(static_cast<libcrypto*>(of)->f, s);
    }
}

// Of ex_data of sessions. 0: not registered yet; OpenSSL gives no 0.
constinit std::array<std::atomic<int>, libcrypto::most> indices_of_sets{};

// Registered when the first attacher or writer needs it; negative: there is none.
[[nodiscard]] int index_of_sets(libcrypto& of) {
    std::atomic<int>& index = indices_of_sets[of.number()];
    if (const int known = index.load(std::memory_order_acquire); known != 0) {
        return known;
    }
    const errors_as_before unsaid(of.f);
    int given =
        of.f.CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL_SESSION, 0, &of, nullptr, &on_copy, &on_free);
    int none = 0;
    // Two threads may each have registered one; the second is never used.
    return index.compare_exchange_strong(none, given, std::memory_order_acq_rel) ? given : none;
}

// One thread at a time: in stock, several threads may read the peer of one session concurrently. Functions
// called under this lock allocate memory, and take no OpenSSL lock.
constinit detail::mutex sets_of_sessions;

[[nodiscard]] private_set* set_of(libcrypto& of, SSL_SESSION* session) {
    const int index = session != nullptr ? index_of_sets(of) : -1;
    if (index < 0) {
        return nullptr;
    }
    const detail::lock_guard lock(sets_of_sessions);
    if (auto* const set = static_cast<private_set*>(of.f.SSL_SESSION_get_ex_data(session, index))) {
        return set;
    }
    auto* const made = new (std::nothrow) private_set;
    const errors_as_before unsaid(of.f);
    if (made != nullptr && of.f.SSL_SESSION_set_ex_data(session, index, made) != 1) {
        delete made;
        return nullptr;
    }
    return made;
}

[[nodiscard]] bool is_shared(libcrypto& of, const X509* x) {
    const certificate_cache* const cache = of.certificates_ever();
    return x != nullptr && cache != nullptr && cache->origin(x) != nullptr;
}

// OpenSSL decodes a certificate's extensions at its first use and keeps the result; later writes do not
// change it.
enum class use : bool { not_yet, verified };

[[nodiscard]] X509* find_own(const private_set* set, const X509* shared) {
    if (set == nullptr) {
        return nullptr;
    }
    const detail::lock_guard lock(sets);
    return set->find(shared);
}

// The session's private object for `x`, borrowed. `so_far`: what OpenSSL would have done with it so far.
[[nodiscard]] X509* own_of(libcrypto& of, SSL_SESSION* session, X509* x, use so_far) {
    if (!is_shared(of, x)) {
        return x;
    }
    private_set* const set = set_of(of, session);
    if (set != nullptr && leases::has(x, set)) {
        // Its user already has the shared object, and may keep this pointer after the lease has ended.
        leases::keep(x);
        (void)of.certificates_ever()->detach(x);
        return x;
    }
    if (X509* const own = find_own(set, x)) {
        return own;
    }
    X509* duplicate = nullptr;
    if (set != nullptr) {
        const errors_as_before unsaid(of.f);
        duplicate = of.f.X509_dup(x);
        // OpenSSL reports a fault in the extensions once for each object, and has done so for this one. Such
        // a certificate is never handed out a second time, so from now on it belongs to this session only,
        // for every getter.
        if (duplicate != nullptr && so_far == use::verified && !has_sound_extensions(of.f, duplicate, x)) {
            of.f.X509_free(duplicate);
            of.f.X509_up_ref(x);
            duplicate = x;
            (void)of.certificates_ever()->detach(x);
        }
    }
    auto* const node =
        duplicate != nullptr ? new (std::nothrow) private_set::certificate{x, duplicate, nullptr} : nullptr;
    if (node == nullptr) {
        // Or there is no memory, and the call must not fail for that. Then the object is not handed out to
        // further connections.
        of.f.X509_free(duplicate);
        (void)of.certificates_ever()->detach(x);
        return x;
    }
    of.f.X509_up_ref(x);
    X509* other = nullptr;
    {
        const detail::lock_guard lock(sets);
        other = set->find(x);
        if (other == nullptr) {
            node->next = set->certificates;
            set->certificates = node;
            return duplicate;
        }
    }
    of.f.X509_free(duplicate);
    of.f.X509_free(x);
    delete node;
    return other;
}

[[nodiscard]] X509* held(const functions& f, X509* lent) {
    if (lent != nullptr) {
        f.X509_up_ref(lent);
    }
    return lent;
}

[[nodiscard]] OPENSSL_STACK* untyped(STACK_OF(X509) * stack) noexcept {
    return reinterpret_cast<OPENSSL_STACK*>(stack);
}

// Replaces shared objects in a list by the session's private objects. It is OpenSSL's own list and owns its
// elements; the program may remove certificates from it and add others.
[[nodiscard]] STACK_OF(X509) *
    own_of(libcrypto& of, SSL_SESSION* session, STACK_OF(X509) * lent, use so_far) {
    const functions& f = of.f;
    OPENSSL_STACK* const list = untyped(lent);
    const int count = list != nullptr ? f.OPENSSL_sk_num(list) : 0;
    for (int i = 0; i < count; ++i) {
        auto* const x = static_cast<X509*>(f.OPENSSL_sk_value(list, i));
        X509* const own = own_of(of, session, x, so_far);
        if (own == x) {
            continue;
        }
        f.X509_up_ref(own);
        bool exchanged = false;
        {
            const detail::lock_guard lock(sets); // another thread may read the same list
            exchanged = f.OPENSSL_sk_value(list, i) == x;
            if (exchanged) {
                (void)f.OPENSSL_sk_set(list, i, own);
            }
        }
        f.X509_free(exchanged ? x : own); // the set has a reference to either
    }
    return lent;
}

[[nodiscard]] SSL_SESSION* session_of(libcrypto& of, const SSL* ssl) {
    return ssl != nullptr ? of.f.SSL_get_session(ssl) : nullptr;
}

// In a full handshake the peer's chain is verified; a resumed one takes the chain from the session.
[[nodiscard]] use use_in(libcrypto& of, const SSL* ssl) {
    return ssl != nullptr && of.f.SSL_session_reused(ssl) == 0 ? use::verified : use::not_yet;
}

[[nodiscard]] SSL_SESSION* session_of(libcrypto& of, X509_STORE_CTX* verification) {
    if (!of.f.has_libssl() || verification == nullptr) {
        return nullptr;
    }
    return session_of(of, static_cast<const SSL*>(of.f.X509_STORE_CTX_get_ex_data(
                              verification, of.f.SSL_get_ex_data_X509_STORE_CTX_idx())));
}

} // namespace

X509* peer_of_connection(libcrypto& of, const SSL* ssl) {
    // On a client, the peer is also in the chain. OpenSSL frees the chain after the session's data, so the
    // duplicate still exists when a free function of the program reads it.
    (void)chain_of_connection(of, ssl);
    return own_of(of, session_of(of, ssl), of.f.SSL_get0_peer_certificate(ssl), use_in(of, ssl));
}

X509* peer_of_connection_held(libcrypto& of, const SSL* ssl) {
    return held(of.f, peer_of_connection(of, ssl));
}

STACK_OF(X509) * chain_of_connection(libcrypto& of, const SSL* ssl) {
    return own_of(of, session_of(of, ssl), of.f.SSL_get_peer_cert_chain(ssl), use_in(of, ssl));
}

STACK_OF(X509) * verified_of_connection(libcrypto& of, const SSL* ssl) {
    return own_of(of, session_of(of, ssl), of.f.SSL_get0_verified_chain(ssl), use_in(of, ssl));
}

int dane_authority_of_connection(libcrypto& of, SSL* ssl, X509** matched, EVP_PKEY** key) {
    const int depth = of.f.SSL_get0_dane_authority(ssl, matched, key);
    if (depth >= 0 && matched != nullptr) {
        *matched = own_of(of, session_of(of, ssl), *matched, use_in(of, ssl));
    }
    return depth;
}

X509* peer_of_session(libcrypto& of, const SSL_SESSION* session) {
    auto* const s = const_cast<SSL_SESSION*>(session);
    return own_of(of, s, of.f.SSL_SESSION_get0_peer(s), use::not_yet);
}

void prepare_session(libcrypto& of, X509_STORE_CTX* verification) {
    if (of.made_certificates() != nullptr) {
        (void)set_of(of, session_of(of, verification));
    }
}

X509* of_verification(libcrypto& of, X509_STORE_CTX* verification, X509* lent) {
    return own_of(of, session_of(of, verification), lent, use::verified);
}

STACK_OF(X509) * of_verification(libcrypto& of, X509_STORE_CTX* verification, STACK_OF(X509) * lent) {
    return own_of(of, session_of(of, verification), lent, use::verified);
}

X509* of_verification_held(libcrypto& of, X509_STORE_CTX* verification, X509* given) {
    X509* const own = own_of(of, session_of(of, verification), given, use::verified);
    if (own != given) {
        of.f.X509_up_ref(own);
        of.f.X509_free(given);
    }
    return own;
}

STACK_OF(X509) * of_verification_held(libcrypto& of, X509_STORE_CTX* verification, STACK_OF(X509) * given) {
    const int count = given != nullptr ? of.f.OPENSSL_sk_num(untyped(given)) : 0;
    for (int i = 0; i < count; ++i) {
        auto* const x = static_cast<X509*>(of.f.OPENSSL_sk_value(untyped(given), i));
        of.f.OPENSSL_sk_set(untyped(given), i, of_verification_held(of, verification, x));
    }
    return given;
}

void lock_for_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    sets_of_sessions.lock();
    sets.lock();
    leases::lock_for_fork();
}

void unlock_after_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    leases::unlock_after_fork();
    sets.unlock();
    sets_of_sessions.unlock();
}

// ---- An attacher's lease

X509* lease_peer(libcrypto& of, const SSL* ssl) {
    X509* const x = of.f.SSL_get1_peer_certificate(ssl);
    if (!is_shared(of, x)) {
        return x;
    }
    SSL_SESSION* const session = session_of(of, ssl);
    private_set* const set = set_of(of, session);
    // If a session's user already has a duplicate, from a callback or another getter, that is the session's
    // object.
    if (find_own(set, x) == nullptr && leases::take(x, set)) {
        return x;
    }
    X509* const own = held(of.f, own_of(of, session, x, use_in(of, ssl)));
    of.f.X509_free(x);
    return own;
}

int index_of_sessions(const libcrypto& of) noexcept {
    return indices_of_sets[of.number()].load(std::memory_order_acquire);
}

void register_index_of_sessions(libcrypto& of) {
    (void)index_of_sets(of);
}

int attach(libcrypto& of, X509* x, int index, void* data) {
    if (is_shared(of, x)) {
        leases::keep(x); // first: from here on nobody else gets it
        (void)of.certificates_ever()->detach(x);
    }
    return of.f.X509_set_ex_data(x, index, data);
}

int hold(libcrypto& of, X509* x) {
    leases::add(x);
    return of.f.X509_up_ref(x);
}

void let_go(libcrypto& of, X509* x) {
    leases::drop(x);
    of.f.X509_free(x);
}

} // namespace ibid::openssl::interpose
