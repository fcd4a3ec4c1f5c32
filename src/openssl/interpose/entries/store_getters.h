// SPDX-License-Identifier: Apache-2.0
//
// Functions that give objects of a trust store to a program that may write to them, or a function that finds
// them there; and the program's lock of a store.
#pragma once

#include "entry.h"
#include "openssl/binding/store_locks.h"
#include "openssl/interpose/given_by_store.h"
#include "openssl/interpose/private_store.h"
#include "openssl/trust/listed_stores.h"

namespace ibid::openssl::interpose {

template <unsigned N>
struct store_getters {
    [[nodiscard]] static libcrypto& of() noexcept { return libcrypto::at(N); }

    // ---- copies and references: exchanged for the store's duplicates

    static STACK_OF(X509) * certs(X509_STORE_CTX* v, const X509_NAME* name) {
        X509_STORE* const store = make_store_private(v);
        return given_by_store(of(), store, of().f.X509_STORE_CTX_get1_certs(v, name));
    }
    static STACK_OF(X509_CRL) * crls(const X509_STORE_CTX* v, const X509_NAME* name) {
        X509_STORE* const store = make_store_private(v);
        return given_by_store(of(), store, of().f.X509_STORE_CTX_get1_crls(v, name));
    }
    static int issuer(X509** found, X509_STORE_CTX* v, X509* x) {
        X509_STORE* const store = make_store_private(v);
        const int result = of().f.X509_STORE_CTX_get1_issuer(found, v, x);
        if (result == 1) {
            *found = given_by_store(of(), store, *found);
        }
        return result;
    }
    static int by_subject(const X509_STORE_CTX* v, X509_LOOKUP_TYPE type, const X509_NAME* name,
                          X509_OBJECT* found) {
        X509_STORE* const store = make_store_private(v);
        const int result = of().f.X509_STORE_CTX_get_by_subject(v, type, name, found);
        if (result == 1) {
            given_by_store(of(), store, found);
        }
        return result;
    }
    static X509_OBJECT* object_by_subject(X509_STORE_CTX* v, X509_LOOKUP_TYPE type, const X509_NAME* name) {
        X509_STORE* const store = make_store_private(v);
        return given_by_store(of(), store, of().f.X509_STORE_CTX_get_obj_by_subject(v, type, name));
    }
    static STACK_OF(X509) * all_certs(X509_STORE* store) {
        make_private(of(), store, store_use::finds_locked);
        return given_by_store(of(), store, of().f.X509_STORE_get1_all_certs(store));
    }
    static STACK_OF(X509_OBJECT) * objects_held(X509_STORE* store) {
        make_private(of(), store, store_use::finds_locked);
        return given_by_store(of(), store, of().f.X509_STORE_get1_objects(store));
    }

    // ---- the store's own list

    static STACK_OF(X509_OBJECT) * objects(const X509_STORE* store) {
        make_private(of(), const_cast<X509_STORE*>(store), store_use::lists);
        leave_to_openssl(store);
        return of().f.X509_STORE_get0_objects(store);
    }

    // ---- a lookup of a store, and OpenSSL's own functions that look there: they give the store's object

    static int lookup_by_subject(X509_LOOKUP* in, X509_LOOKUP_TYPE type, const X509_NAME* name,
                                 X509_OBJECT* found) {
        make_store_private(in);
        return of().f.X509_LOOKUP_by_subject(in, type, name, found);
    }
    static int lookup_by_subject_ex(X509_LOOKUP* in, X509_LOOKUP_TYPE type, const X509_NAME* name,
                                    X509_OBJECT* found, OSSL_LIB_CTX* context, const char* query) {
        make_store_private(in);
        return of().f.X509_LOOKUP_by_subject_ex(in, type, name, found, context, query);
    }
    static int lookup_by_serial(X509_LOOKUP* in, X509_LOOKUP_TYPE type, const X509_NAME* name,
                                const ASN1_INTEGER* serial, X509_OBJECT* found) {
        make_store_private(in);
        return of().f.X509_LOOKUP_by_issuer_serial(in, type, name, serial, found);
    }
    static int lookup_by_fingerprint(X509_LOOKUP* in, X509_LOOKUP_TYPE type, const unsigned char* bytes,
                                     int size, X509_OBJECT* found) {
        make_store_private(in);
        return of().f.X509_LOOKUP_by_fingerprint(in, type, bytes, size, found);
    }
    static int lookup_by_alias(X509_LOOKUP* in, X509_LOOKUP_TYPE type, const char* text, int size,
                               X509_OBJECT* found) {
        make_store_private(in);
        return of().f.X509_LOOKUP_by_alias(in, type, text, size, found);
    }
    static X509_STORE_CTX_get_issuer_fn issuer_function(const X509_STORE_CTX* v) {
        make_searched_private(of().f.X509_STORE_CTX_get0_store(v));
        return of().f.X509_STORE_CTX_get_get_issuer(v);
    }
    static X509_STORE_CTX_lookup_certs_fn certs_function(const X509_STORE_CTX* v) {
        make_searched_private(of().f.X509_STORE_CTX_get0_store(v));
        return of().f.X509_STORE_CTX_get_lookup_certs(v);
    }
    static X509_STORE_CTX_get_issuer_fn issuer_function_of_store(const X509_STORE* store) {
        make_searched_private(const_cast<X509_STORE*>(store));
        return of().f.X509_STORE_get_get_issuer(store);
    }
    static X509_STORE_CTX_lookup_certs_fn certs_function_of_store(const X509_STORE* store) {
        make_searched_private(const_cast<X509_STORE*>(store));
        return of().f.X509_STORE_get_lookup_certs(store);
    }

    // ----

    static int store_lock(X509_STORE* store) { return store_locks::lock_for_program(of().f, store); }
    static int store_unlock(X509_STORE* store) { return store_locks::unlock_for_program(of().f, store); }

    [[nodiscard]] static void* find(function_id id, module_kind kind) noexcept {
        switch (id) {
        case function_id::X509_STORE_lock:
            return is_program(kind) ? address(&store_lock) : nullptr;
        case function_id::X509_STORE_unlock:
            return is_program(kind) ? address(&store_unlock) : nullptr;
        default:
            return may_write(kind) ? find_getter(id) : nullptr;
        }
    }

private:
    [[nodiscard]] static void* find_getter(function_id id) noexcept {
        switch (id) {
        case function_id::X509_STORE_CTX_get1_certs:
            return address(&certs);
        case function_id::X509_STORE_CTX_get1_crls:
            return address(&crls);
        case function_id::X509_STORE_CTX_get1_issuer:
            return address(&issuer);
        case function_id::X509_STORE_CTX_get_by_subject:
            return address(&by_subject);
        case function_id::X509_STORE_CTX_get_obj_by_subject:
            return address(&object_by_subject);
        case function_id::X509_STORE_get1_all_certs:
            return address(&all_certs);
        case function_id::X509_STORE_get1_objects:
            return address(&objects_held);
        case function_id::X509_STORE_get0_objects:
            return address(&objects);
        case function_id::X509_LOOKUP_by_subject:
            return address(&lookup_by_subject);
        case function_id::X509_LOOKUP_by_subject_ex:
            return address(&lookup_by_subject_ex);
        case function_id::X509_LOOKUP_by_issuer_serial:
            return address(&lookup_by_serial);
        case function_id::X509_LOOKUP_by_fingerprint:
            return address(&lookup_by_fingerprint);
        case function_id::X509_LOOKUP_by_alias:
            return address(&lookup_by_alias);
        case function_id::X509_STORE_CTX_get_get_issuer:
            return address(&issuer_function);
        case function_id::X509_STORE_CTX_get_lookup_certs:
            return address(&certs_function);
        case function_id::X509_STORE_get_get_issuer:
            return address(&issuer_function_of_store);
        case function_id::X509_STORE_get_lookup_certs:
            return address(&certs_function_of_store);
        default:
            return nullptr;
        }
    }
    // Only OpenSSL loads files into the store from now on: an attacher may find what is loaded later in a
    // list that it has, or as the result of the call that loads it (a folder of CAs).
    static void leave_to_openssl(const X509_STORE* store) {
        if (store != nullptr && !of().has_writer() && !listed_stores::note(store)) {
            of().set_has_writer();
        }
    }
    static void make_searched_private(X509_STORE* store) {
        make_private(of(), store, store_use::finds);
        leave_to_openssl(store);
    }
    [[nodiscard]] static X509_STORE* make_store_private(const X509_STORE_CTX* v) {
        X509_STORE* const store = of().f.X509_STORE_CTX_get0_store(v);
        make_private(of(), store, store_use::finds_locked);
        leave_to_openssl(store);
        return store;
    }
    static void make_store_private(const X509_LOOKUP* in) {
        make_searched_private(in != nullptr ? of().f.X509_LOOKUP_get_store(in) : nullptr);
    }
};

} // namespace ibid::openssl::interpose
