// SPDX-License-Identifier: Apache-2.0
#include "given_by_store.h"

#include "openssl/binding/error_queue.h"
#include "openssl/certificates/duplicates.h"

namespace ibid::openssl::interpose {

namespace {

// Null: the store has no duplicate of it.
[[nodiscard]] X509* duplicate_in(const X509_STORE* store, const X509* x) noexcept {
    X509* const own =
        store != nullptr && x != nullptr ? duplicates::find(x, duplicates::owner_of(store)) : nullptr;
    return own != x ? own : nullptr;
}

// CRLs have no mark, and no duplicates that are remembered: a store from which ibid has not let go may hold
// shared ones.
[[nodiscard]] bool may_hold_shared_crls(libcrypto& of, const X509_STORE* store) {
    trust_store_cache* const stores = store != nullptr ? of.trust_stores_ever() : nullptr;
    return stores != nullptr && stores->has_filled(store);
}

// With a reference; null: there is no memory.
[[nodiscard]] X509_CRL* duplicate_of(const functions& f, X509_CRL* crl) {
    const errors_as_before unsaid(f);
    return f.X509_CRL_dup(crl);
}

template <class Change>
void change_each(const functions& f, OPENSSL_STACK* list, Change change) {
    const int count = list != nullptr ? f.OPENSSL_sk_num(list) : 0;
    for (int i = 0; i < count; ++i) {
        change(i, f.OPENSSL_sk_value(list, i));
    }
}

} // namespace

X509* given_by_store(libcrypto& of, const X509_STORE* store, X509* given) {
    X509* const own = duplicate_in(store, given);
    if (own == nullptr) {
        return given;
    }
    of.f.X509_up_ref(own);
    of.f.X509_free(given);
    return own;
}

STACK_OF(X509) * given_by_store(libcrypto& of, const X509_STORE* store, STACK_OF(X509) * given) {
    auto* const list = reinterpret_cast<OPENSSL_STACK*>(given);
    change_each(of.f, list, [&](int i, void* x) {
        (void)of.f.OPENSSL_sk_set(list, i, given_by_store(of, store, static_cast<X509*>(x)));
    });
    return given;
}

STACK_OF(X509_CRL) * given_by_store(libcrypto& of, const X509_STORE* store, STACK_OF(X509_CRL) * given) {
    if (!may_hold_shared_crls(of, store)) {
        return given;
    }
    auto* const list = reinterpret_cast<OPENSSL_STACK*>(given);
    change_each(of.f, list, [&](int i, void* crl) {
        if (X509_CRL* const own = duplicate_of(of.f, static_cast<X509_CRL*>(crl))) {
            (void)of.f.OPENSSL_sk_set(list, i, own);
            of.f.X509_CRL_free(static_cast<X509_CRL*>(crl));
        }
    });
    return given;
}

X509_OBJECT* given_by_store(libcrypto& of, const X509_STORE* store, X509_OBJECT* copy) {
    const functions& f = of.f;
    if (X509* const own = copy != nullptr ? duplicate_in(store, f.X509_OBJECT_get0_X509(copy)) : nullptr) {
        (void)f.X509_OBJECT_set1_X509(copy, own);
        return copy;
    }
    X509_CRL* const crl = copy != nullptr ? f.X509_OBJECT_get0_X509_CRL(copy) : nullptr;
    if (crl != nullptr && may_hold_shared_crls(of, store)) {
        if (X509_CRL* const own = duplicate_of(f, crl)) {
            (void)f.X509_OBJECT_set1_X509_CRL(copy, own);
            f.X509_CRL_free(own);
        }
    }
    return copy;
}

STACK_OF(X509_OBJECT) *
    given_by_store(libcrypto& of, const X509_STORE* store, STACK_OF(X509_OBJECT) * copies) {
    change_each(of.f, reinterpret_cast<OPENSSL_STACK*>(copies),
                [&](int, void* copy) { given_by_store(of, store, static_cast<X509_OBJECT*>(copy)); });
    return copies;
}

} // namespace ibid::openssl::interpose
