// SPDX-License-Identifier: Apache-2.0
#include "owners.h"

#include <atomic>
#include <cstdint>

#include "openssl/certificates/duplicates.h"
#include "private_store.h"
#include "session_notes.h"

namespace ibid::openssl::interpose {

namespace {

[[nodiscard]] SSL_SESSION* session_of(libcrypto& of, const SSL* ssl) {
    return ssl != nullptr ? of.f.SSL_get_session(ssl) : nullptr;
}

[[nodiscard]] SSL* connection_of(libcrypto& of, X509_STORE_CTX* verification) {
    return of.f.has_libssl() && verification != nullptr
               ? static_cast<SSL*>(
                     of.f.X509_STORE_CTX_get_ex_data(verification, of.f.SSL_get_ex_data_X509_STORE_CTX_idx()))
               : nullptr;
}

[[nodiscard]] std::uint64_t stores_ended(libcrypto& of) {
    const trust_store_cache* const stores = of.trust_stores_ever();
    return stores != nullptr ? stores->stores_ended() : 0;
}

// A chain that was verified ends in the store that it was verified with. That has objects of its own before.
[[nodiscard]] owner_id verified_with(libcrypto& of, X509_STORE* store) {
    make_private(of, store, store_use::verifies);
    return store != nullptr ? duplicates::owner_of(store) : 0;
}

} // namespace

owners sent_to(libcrypto& of, const SSL* ssl) {
    return {session_of(of, ssl)};
}

owners sent_in(libcrypto& of, X509_STORE_CTX* verification) {
    return sent_to(of, connection_of(of, verification));
}

// If the program has given the connection another store since, the old one may be freed: it is not touched.
owners verified_by(libcrypto& of, const SSL* ssl) {
    X509_STORE* store = nullptr;
    auto* const connection = const_cast<SSL*>(ssl);
    if (ssl != nullptr && of.f.SSL_ctrl(connection, SSL_CTRL_GET_VERIFY_CERT_STORE, 0, &store) == 1 &&
        store == nullptr) {
        store = of.f.SSL_CTX_get_cert_store(of.f.SSL_get_SSL_CTX(ssl));
    }
    owners all{session_of(of, ssl), note_of_chain(of, ssl)};
    const session_note* const note = all.note != nullptr ? all.note : known_note_of(of, all.session);
    const owner_id verifier = note != nullptr ? note->verified_with.load(std::memory_order_relaxed) : 0;
    if (verifier != 0 && (store == nullptr || verifier != duplicates::owner_of(store))) {
        // A newer store may be at its address. Then what comes from it belongs to the session.
        const bool may_have_ended = note->stores_ended.load(std::memory_order_relaxed) != stores_ended(of);
        all.store = may_have_ended ? 0 : verifier;
        all.store_is_replaced = !may_have_ended;
    } else {
        all.store = verified_with(of, store);
    }
    return all;
}

owners in_verification(libcrypto& of, X509_STORE_CTX* verification) {
    owners all = sent_in(of, verification);
    all.store =
        verified_with(of, verification != nullptr ? of.f.X509_STORE_CTX_get0_store(verification) : nullptr);
    return all;
}

void prepare_session(libcrypto& of, X509_STORE_CTX* verification) {
    SSL* const ssl = connection_of(of, verification);
    const bool notes = of.made_certificates() != nullptr && !of.has_writer();
    session_note* const note = notes ? note_of(of, session_of(of, ssl)) : nullptr;
    set_note_of_chain(of, ssl, note);
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

} // namespace ibid::openssl::interpose
