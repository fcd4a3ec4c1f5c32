// SPDX-License-Identifier: Apache-2.0
#include "leases.h"

#include "openssl/certificates/duplicates.h"
#include "private_objects.h"
#include "session_notes.h"

namespace ibid::openssl::interpose {

X509* lease_peer(libcrypto& of, const SSL* ssl) {
    X509* const x = of.f.SSL_get1_peer_certificate(ssl);
    if (!is_shared(of, x)) {
        return x;
    }
    // Once a session's user has a duplicate, that is the session's object.
    const session_note* const note = note_of(of, of.f.SSL_get_session(ssl));
    if (note != nullptr && duplicates::find(x, note->id) == nullptr &&
        of.certificates_ever()->take(x, note->id)) {
        return x;
    }
    of.set_has_writer();
    of.f.X509_free(x);
    return peer_of_connection_held(of, ssl);
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
    const auto* const list = reinterpret_cast<const OPENSSL_STACK*>(all);
    const int count = list != nullptr ? of.f.OPENSSL_sk_num(list) : 0;
    for (int i = 0; i < count; ++i) {
        keep_held(of, static_cast<X509*>(of.f.OPENSSL_sk_value(list, i)));
    }
}

} // namespace ibid::openssl::interpose
