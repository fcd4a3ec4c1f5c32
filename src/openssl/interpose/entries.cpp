// SPDX-License-Identifier: Apache-2.0
#include "entries.h"

#include <tuple>

#include "contexts.h"
#include "given_by_store.h"
#include "openssl/binding/store_locks.h"
#include "openssl/instance/libcrypto.h"
#include "openssl/trust/listed_stores.h"
#include "parsing.h"
#include "private_objects.h"
#include "private_store.h"
#include "program_indices.h"
#include "trust_loading.h"
#include "verification.h"

namespace ibid::openssl::interpose {

namespace {

template <class Function>
[[nodiscard]] void* address(Function* function) noexcept {
    return reinterpret_cast<void*>(function);
}

// An OpenSSL function that changes the available algorithms.
template <unsigned N, auto Member>
struct reconfiguration;
template <unsigned N, class Result, class... Arguments, Result (*functions::*Member)(Arguments...)>
struct reconfiguration<N, Member> {
    static Result entry(Arguments... arguments) {
        libcrypto& of = libcrypto::at(N);
        struct afterwards { // also if a provider's code ends the thread
            libcrypto& of;
            ~afterwards() noexcept(false) { after_reconfiguration(of); }
        } const change{of};
        return (of.f.*Member)(arguments...);
    }
};

void note(libcrypto& of, const X509* x, exposure part) {
    if (certificate_cache* const cache = of.made_certificates()) {
        cache->expose(x, part);
    }
}

// A getter that returns a pointer into its first argument, a certificate. Recorded before the caller has the
// pointer.
template <unsigned N, auto Member, exposure part>
struct getter;
template <unsigned N, exposure part, class Result, class Certificate, class... Arguments,
          Result (*functions::*Member)(Certificate*, Arguments...)>
struct getter<N, Member, part> {
    static Result entry(Certificate* x, Arguments... arguments) {
        libcrypto& of = libcrypto::at(N);
        note(of, x, part);
        return (of.f.*Member)(x, arguments...);
    }
};

void keep_if_held(libcrypto& of, X509* x) {
    keep_held(of, x);
}
void keep_if_held(libcrypto& of, STACK_OF(X509) * all) {
    keep_held(of, all);
}
template <class Other>
void keep_if_held(libcrypto&, const Other&) {}

// A function that takes references to the certificates among its arguments.
template <unsigned N, auto Member>
struct holder;
template <unsigned N, class Result, class... Arguments, Result (*functions::*Member)(Arguments...)>
struct holder<N, Member> {
    static Result entry(Arguments... arguments) {
        libcrypto& of = libcrypto::at(N);
        (keep_if_held(of, arguments), ...);
        return (of.f.*Member)(arguments...);
    }
};
// The store from which the program's own chain is built.
[[nodiscard]] X509_STORE* store_of_chains(libcrypto& of, SSL_CTX* context) {
    X509_STORE* store = nullptr;
    (void)of.f.SSL_CTX_ctrl(context, SSL_CTRL_GET_CHAIN_CERT_STORE, 0, &store);
    return store != nullptr ? store : of.f.SSL_CTX_get_cert_store(context);
}
[[nodiscard]] X509_STORE* store_of_chains(libcrypto& of, SSL* ssl) {
    X509_STORE* store = nullptr;
    (void)of.f.SSL_ctrl(ssl, SSL_CTRL_GET_CHAIN_CERT_STORE, 0, &store);
    return store != nullptr ? store : of.f.SSL_CTX_get_cert_store(of.f.SSL_get_SSL_CTX(ssl));
}

// SSL_ctrl and SSL_CTX_ctrl.
template <unsigned N, auto Member>
struct control;
template <unsigned N, class Object, long (*functions::*Member)(Object*, int, long, void*)>
struct control<N, Member> {
    static long entry(Object* s, int command, long number, void* argument) {
        libcrypto& of = libcrypto::at(N);
        if (command == SSL_CTRL_CHAIN_CERT || command == SSL_CTRL_EXTRA_CHAIN_CERT) {
            keep_held(of, static_cast<X509*>(argument));
        } else if (command == SSL_CTRL_CHAIN) {
            keep_held(of, static_cast<STACK_OF(X509)*>(argument));
        } else if (command == SSL_CTRL_BUILD_CERT_CHAIN) { // out of the objects of a store
            X509_STORE* const store = store_of_chains(of, s);
            make_private(of, store, store_use::finds_locked);
            const long result = (of.f.*Member)(s, command, number, argument);
            STACK_OF(X509)* chain = nullptr;
            (void)(of.f.*Member)(s, SSL_CTRL_GET_CHAIN_CERTS, 0, static_cast<void*>(&chain));
            (void)given_by_store(of, store, chain);
            return result;
        }
        return (of.f.*Member)(s, command, number, argument);
    }
};

// A function that reads or sets data beside an object of this class.
template <unsigned N, int object_class, auto Member>
struct ex_data;
template <unsigned N, int object_class, class Object, void* (*functions::*Member)(const Object*, int)>
struct ex_data<N, object_class, Member> {
    static void* entry(const Object* of_object, int index) {
        libcrypto& of = libcrypto::at(N);
        return (of.f.*Member)(of_object, index_to_read(of, object_class, index));
    }
};
template <unsigned N, int object_class, class Object, int (*functions::*Member)(Object*, int, void*)>
struct ex_data<N, object_class, Member> {
    static int entry(Object* of_object, int index, void* data) {
        libcrypto& of = libcrypto::at(N);
        return (of.f.*Member)(of_object, index_to_write(of, object_class, index), data);
    }
};

// A decoder with an output argument for the certificate: argument number `Place`.
template <unsigned N, bool shares, auto Member, std::size_t Place>
struct decoder;
template <unsigned N, bool shares, class... Arguments, X509* (*functions::*Member)(Arguments...),
          std::size_t Place>
struct decoder<N, shares, Member, Place> {
    static X509* entry(Arguments... arguments) {
        libcrypto& of = libcrypto::at(N);
        X509** const place = std::get<Place>(std::tuple(arguments...));
        return decode_for_program(of, place, shares, [&] { return (of.f.*Member)(arguments...); });
    }
};

// The entry points of libcrypto number N.
template <unsigned N>
struct entries {
    [[nodiscard]] static libcrypto& of() noexcept { return libcrypto::at(N); }

    // ---- libssl's calls

    static X509* new_ex(OSSL_LIB_CTX* context, const char* query) {
        return new_certificate(of(), context, query);
    }
    static X509* peer(X509** a, const unsigned char** pp, long length) {
        return parse_peer(of(), a, pp, length, __builtin_return_address(0));
    }
    static void free_in_libssl(X509* x) { let_go_in_libssl(of(), x); }
    static const ASN1_ITEM* it() { return session_peer_item(N); }
    static int chain_step(X509_STORE_CTX* verification) { return verify_chain(of(), verification); }
    static int verify_peer(X509_STORE_CTX* verification) {
        const bool notes = of().gives_own_objects() && !of().has_writer();
        if (notes) {
            prepare_session(of(), verification);
        }
        give_store_its_own(verification);
        const int result = verify_certificate(of(), verification, &chain_step);
        if (notes) {
            note_chain(of(), verification);
        }
        return result;
    }

    // ---- libcrypto's calls to itself

    static int verify(X509* x, EVP_PKEY* key) { return verify_link(of(), x, key); }

    // ---- trust files, for every caller

    static int cert_file(X509_LOOKUP* l, const char* file, int type) {
        return load_certificate_file(of(), l, file, type, nullptr, nullptr);
    }
    static int cert_file_ex(X509_LOOKUP* l, const char* file, int type, OSSL_LIB_CTX* c, const char* q) {
        return load_certificate_file(of(), l, file, type, c, q);
    }
    static int cert_crl_file(X509_LOOKUP* l, const char* file, int type) {
        return load_file(of(), l, file, type, nullptr, nullptr);
    }
    static int cert_crl_file_ex(X509_LOOKUP* l, const char* file, int type, OSSL_LIB_CTX* c, const char* q) {
        return load_file(of(), l, file, type, c, q);
    }
    static int crl_file(X509_LOOKUP* l, const char* file, int type) {
        return load_crl_file(of(), l, file, type);
    }
    static int store_file(X509_STORE* s, const char* file) {
        return store_load_file(of(), s, file, nullptr, nullptr);
    }
    static int store_file_ex(X509_STORE* s, const char* file, OSSL_LIB_CTX* c, const char* q) {
        return store_load_file(of(), s, file, c, q);
    }
    static int store_locations(X509_STORE* s, const char* file, const char* folder) {
        return store_load_locations(of(), s, file, folder, nullptr, nullptr);
    }
    static int store_locations_ex(X509_STORE* s, const char* file, const char* folder, OSSL_LIB_CTX* c,
                                  const char* q) {
        return store_load_locations(of(), s, file, folder, c, q);
    }
    static int store_defaults(X509_STORE* s) { return store_set_default_paths(of(), s, nullptr, nullptr); }
    static int store_defaults_ex(X509_STORE* s, OSSL_LIB_CTX* c, const char* q) {
        return store_set_default_paths(of(), s, c, q);
    }
    static int lookup(X509_LOOKUP* l, int command, const char* argument, long type, char** result) {
        return lookup_control(of(), l, command, argument, type, result, nullptr, nullptr);
    }
    static int lookup_ex(X509_LOOKUP* l, int command, const char* argument, long type, char** result,
                         OSSL_LIB_CTX* c, const char* q) {
        return lookup_control(of(), l, command, argument, type, result, c, q);
    }

    // ---- a program's calls

    template <bool shares>
    static X509* parse(X509** a, const unsigned char** pp, long length) {
        return parse_for_program(of(), a, pp, length, shares);
    }
    // If the trust settings are invalid, the certificate has already been filled in, and stays so.
    template <bool shares>
    static X509* parse_trusted(X509** a, const unsigned char** pp, long length) {
        const auto decode = [&] { return of().f.d2i_X509_AUX(a, pp, length); };
        if (a != nullptr && *a != nullptr) {
            const private_target target(of(), a);
            return decode();
        }
        return decode_for_program(of(), a, shares, decode);
    }
    static ASN1_VALUE* item(ASN1_VALUE** value, const unsigned char** in, long length,
                            const ASN1_ITEM* type) {
        return decode_item(of(), value, type, [&] { return of().f.ASN1_item_d2i(value, in, length, type); });
    }
    static ASN1_VALUE* item_ex(ASN1_VALUE** value, const unsigned char** in, long length,
                               const ASN1_ITEM* type, OSSL_LIB_CTX* context, const char* query) {
        return decode_item(of(), value, type,
                           [&] { return of().f.ASN1_item_d2i_ex(value, in, length, type, context, query); });
    }
    static void signature(const ASN1_BIT_STRING** bits, const X509_ALGOR** algorithm, const X509* x) {
        note(of(), x, signature_is_exposed);
        of().f.X509_get0_signature(bits, algorithm, x);
    }
    static int verify_own(X509_STORE_CTX* verification) {
        give_store_its_own(verification);
        return verify_certificate(of(), verification, nullptr);
    }
    // A call of libcrypto for the program: PKCS7_verify() and similar functions.
    static int verify_inside(X509_STORE_CTX* verification) {
        give_store_its_own(verification);
        return of().f.X509_verify_cert(verification);
    }
    // What a writer's callback writes is seen by the rest of the verification. No verification reads what an
    // attacher attaches: it gets the store's objects when it asks for them.
    static void give_store_its_own(const X509_STORE_CTX* verification) {
        if (of().has_writer() && verification != nullptr) {
            make_private(of(), of().f.X509_STORE_CTX_get0_store(verification), store_use::verifies);
        }
    }
    static int new_index(int object_class, long number, void* pointer, CRYPTO_EX_new* on_new,
                         CRYPTO_EX_dup* on_dup, CRYPTO_EX_free* on_free) {
        return get_ex_new_index(of(), object_class, number, pointer, on_new, on_dup, on_free);
    }
    static int free_index(int object_class, int index) { return free_ex_index(of(), object_class, index); }
    static OSSL_LIB_CTX* default_context(OSSL_LIB_CTX* context) { return set_default_context(of(), context); }
    static void context_free(OSSL_LIB_CTX* context) { free_context(of(), context); }
    static void cleanup() { clean_up(of()); }
    static int store_lock(X509_STORE* store) { return store_locks::lock_for_program(of().f, store); }
    static int store_unlock(X509_STORE* store) { return store_locks::unlock_for_program(of().f, store); }

    // ---- functions that give an object to a writer, or to an attacher without a lease

    // The lists of a connection and what is in them are OpenSSL's own, and programs change them. So nothing
    // is shared any more with a program that asks for them and may write.
    static libcrypto& for_writer() noexcept {
        libcrypto& l = of();
        if (!l.has_writer()) {
            l.set_has_writer();
        }
        return l;
    }

    static X509* get0_peer(const SSL* ssl) { return peer_of_connection(for_writer(), ssl); }
    static X509* get1_peer(const SSL* ssl) { return peer_of_connection_held(for_writer(), ssl); }
    static X509* get1_peer_leased(const SSL* ssl) { return lease_peer(of(), ssl); }
    static STACK_OF(X509) * peer_chain(const SSL* ssl) { return chain_of_connection(for_writer(), ssl); }
    static STACK_OF(X509) * verified_chain(const SSL* ssl) {
        return verified_of_connection(for_writer(), ssl);
    }
    static int dane_authority(SSL* ssl, X509** matched, EVP_PKEY** key) {
        return dane_authority_of_connection(for_writer(), ssl, matched, key);
    }
    // Its callbacks get certificates of handshakes.
    static int add_extension(SSL_CTX* ssl, unsigned type, unsigned context, SSL_custom_ext_add_cb_ex add,
                             SSL_custom_ext_free_cb_ex free, void* add_argument,
                             SSL_custom_ext_parse_cb_ex parse, void* parse_argument) {
        of().disable("a TLS extension gets certificates, and a module may write to them");
        return of().f.SSL_CTX_add_custom_ext(ssl, type, context, add, free, add_argument, parse,
                                             parse_argument);
    }
    static X509* session_peer(const SSL_SESSION* session) { return peer_of_session(for_writer(), session); }
    static X509* current_cert(const X509_STORE_CTX* v) {
        return lend(v, of().f.X509_STORE_CTX_get_current_cert(v), 0);
    }
    static X509* cert(const X509_STORE_CTX* v) {
        return sent_to_verification(for_writer(), mutable_(v), of().f.X509_STORE_CTX_get0_cert(v));
    }
    static X509* current_issuer(const X509_STORE_CTX* v) {
        return lend(v, of().f.X509_STORE_CTX_get0_current_issuer(v), 1);
    }
    static STACK_OF(X509) * chain0(const X509_STORE_CTX* v) {
        return of_verification(for_writer(), mutable_(v), of().f.X509_STORE_CTX_get0_chain(v));
    }
    static STACK_OF(X509) * untrusted(const X509_STORE_CTX* v) {
        return sent_to_verification(for_writer(), mutable_(v), of().f.X509_STORE_CTX_get0_untrusted(v));
    }
    static STACK_OF(X509) * chain1(const X509_STORE_CTX* v) {
        return of_verification_held(for_writer(), mutable_(v), of().f.X509_STORE_CTX_get1_chain(v));
    }
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
    static STACK_OF(X509_OBJECT) * objects(const X509_STORE* store) {
        make_private(of(), const_cast<X509_STORE*>(store), store_use::lists);
        leave_to_openssl(store);
        return of().f.X509_STORE_get0_objects(store);
    }
    static STACK_OF(X509) * all_certs(X509_STORE* store) {
        make_private(of(), store, store_use::finds_locked);
        return given_by_store(of(), store, of().f.X509_STORE_get1_all_certs(store));
    }
    static STACK_OF(X509_OBJECT) * objects_held(X509_STORE* store) {
        make_private(of(), store, store_use::finds_locked);
        return given_by_store(of(), store, of().f.X509_STORE_get1_objects(store));
    }
    // A lookup of a store, and OpenSSL's own functions that look there: what they give is the store's object.
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
    static int set_ex_data(X509* x, int index, void* data) {
        return attach(of(), x, index_to_write(of(), CRYPTO_EX_INDEX_X509, index), data);
    }
    static int up_ref(X509* x) { return hold(of(), x); }
    static int store_add(X509_STORE* store, X509* x) { return add_to_store(of(), store, x); }
    static void free(X509* x) { let_go(of(), x); }

    // ----

    [[nodiscard]] static void* find(function_id id, module_kind kind) noexcept;
    [[nodiscard]] static void* find_reconfiguration(function_id id) noexcept {
        switch (id) {
#define IBID_CASE(name)                                                                                      \
    case function_id::name:                                                                                  \
        return address(&reconfiguration<N, &functions::name>::entry);
            IBID_OPENSSL_RECONFIGURATIONS(IBID_CASE)
#undef IBID_CASE
        default:
            return nullptr;
        }
    }
    [[nodiscard]] static void* find_holder(function_id id) noexcept {
        switch (id) {
#define IBID_CASE(name)                                                                                      \
    case function_id::name:                                                                                  \
        return address(&holder<N, &functions::name>::entry);
            IBID_OPENSSL_HOLDERS(IBID_CASE)
            IBID_LIBSSL_HOLDERS(IBID_CASE)
#undef IBID_CASE
        case function_id::X509_STORE_add_cert:
            return address(&store_add);
        case function_id::SSL_ctrl:
            return address(&control<N, &functions::SSL_ctrl>::entry);
        case function_id::SSL_CTX_ctrl:
            return address(&control<N, &functions::SSL_CTX_ctrl>::entry);
        default:
            return nullptr;
        }
    }
    [[nodiscard]] static void* find_ex_data(function_id id) noexcept {
        switch (id) {
        case function_id::CRYPTO_free_ex_index:
            return address(&free_index);
#define IBID_CASE(name, object_class)                                                                        \
    case function_id::name:                                                                                  \
        return address(&ex_data<N, object_class, &functions::name>::entry);
            IBID_CASE(X509_get_ex_data, CRYPTO_EX_INDEX_X509)
            IBID_CASE(EVP_PKEY_get_ex_data, CRYPTO_EX_INDEX_EVP_PKEY)
            IBID_CASE(EVP_PKEY_set_ex_data, CRYPTO_EX_INDEX_EVP_PKEY)
            IBID_CASE(X509_STORE_get_ex_data, CRYPTO_EX_INDEX_X509_STORE)
            IBID_CASE(X509_STORE_set_ex_data, CRYPTO_EX_INDEX_X509_STORE)
            IBID_CASE(SSL_SESSION_get_ex_data, CRYPTO_EX_INDEX_SSL_SESSION)
            IBID_CASE(SSL_SESSION_set_ex_data, CRYPTO_EX_INDEX_SSL_SESSION)
#undef IBID_CASE
        default:
            return nullptr;
        }
    }
    [[nodiscard]] static void* find_exposure(function_id id) noexcept {
        switch (id) {
#define IBID_CASE(name)                                                                                      \
    case function_id::name:                                                                                  \
        return address(&getter<N, &functions::name, parts_are_exposed>::entry);
            IBID_OPENSSL_EXPOSURES(IBID_CASE)
#undef IBID_CASE
#define IBID_CASE(name)                                                                                      \
    case function_id::name:                                                                                  \
        return address(&getter<N, &functions::name, rest_is_exposed>::entry);
            IBID_OPENSSL_REVELATIONS(IBID_CASE)
#undef IBID_CASE
        case function_id::X509_get_X509_PUBKEY:
            return address(&getter<N, &functions::X509_get_X509_PUBKEY, key_is_exposed>::entry);
        default:
            return nullptr;
        }
    }

private:
    [[nodiscard]] static X509_STORE_CTX* mutable_(const X509_STORE_CTX* v) noexcept {
        return const_cast<X509_STORE_CTX*>(v);
    }
    [[nodiscard]] static X509* lend(const X509_STORE_CTX* v, X509* x, int above) {
        return of_verification(for_writer(), mutable_(v), x, above);
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

template <unsigned N>
void* entries<N>::find(function_id id, module_kind kind) noexcept {
    const bool libssl = kind == module_kind::libssl;
    const bool itself = kind == module_kind::libcrypto;
    const bool program = !libssl && !itself;
    const bool reader = kind == module_kind::reader;
    const bool attacher = kind == module_kind::attacher;
    const bool writes = program && !reader;
    // A program that may write to certificates that it has parsed itself gets private objects.
    const bool shares = reader && environment().scope == scope_setting::all;
    // Loads of trust files: the function in which they all end, or, if calls inside libcrypto cannot be
    // intercepted, the functions that enter libcrypto.
    const bool outside = !itself && libcrypto::at(N).symbolic();
    const auto decoder_at = [&](auto shared, auto own) { return !program ? nullptr : shares ? shared : own; };
#define IBID_DECODER(name, place)                                                                            \
    decoder_at(address(&decoder<N, true, &functions::name, place>::entry),                                   \
               address(&decoder<N, false, &functions::name, place>::entry))
    switch (id) {
    case function_id::X509_new_ex:
        return libssl ? address(&new_ex) : nullptr;
    case function_id::d2i_X509:
        return libssl ? address(&peer) : decoder_at(address(&parse<true>), address(&parse<false>));
    case function_id::X509_it:
        return libssl ? address(&it) : nullptr;
    case function_id::X509_verify:
        return itself ? address(&verify) : nullptr;
    case function_id::X509_verify_cert:
        return libssl    ? address(&verify_peer)
               : program ? address(&verify_own)
               : itself  ? address(&verify_inside)
                         : nullptr;
    case function_id::X509_load_cert_file:
        return address(&cert_file);
    case function_id::X509_load_cert_file_ex:
        return address(&cert_file_ex);
    case function_id::X509_load_cert_crl_file:
        return address(&cert_crl_file);
    case function_id::X509_load_cert_crl_file_ex:
        return address(&cert_crl_file_ex);
    case function_id::X509_load_crl_file:
        return address(&crl_file);
    case function_id::X509_STORE_load_file:
        return outside ? address(&store_file) : nullptr;
    case function_id::X509_STORE_load_file_ex:
        return outside ? address(&store_file_ex) : nullptr;
    case function_id::X509_STORE_load_locations:
        return outside ? address(&store_locations) : nullptr;
    case function_id::X509_STORE_load_locations_ex:
        return outside ? address(&store_locations_ex) : nullptr;
    case function_id::X509_STORE_set_default_paths:
        return outside ? address(&store_defaults) : nullptr;
    case function_id::X509_STORE_set_default_paths_ex:
        return outside ? address(&store_defaults_ex) : nullptr;
    case function_id::X509_LOOKUP_ctrl:
        return outside ? address(&lookup) : nullptr;
    case function_id::X509_LOOKUP_ctrl_ex:
        return outside ? address(&lookup_ex) : nullptr;
    case function_id::d2i_X509_AUX:
        return decoder_at(address(&parse_trusted<true>), address(&parse_trusted<false>));
    case function_id::d2i_X509_bio:
        return IBID_DECODER(d2i_X509_bio, 1);
    case function_id::d2i_X509_fp:
        return IBID_DECODER(d2i_X509_fp, 1);
    case function_id::PEM_read_X509:
        return IBID_DECODER(PEM_read_X509, 1);
    case function_id::PEM_read_X509_AUX:
        return IBID_DECODER(PEM_read_X509_AUX, 1);
    case function_id::PEM_read_bio_X509:
        return IBID_DECODER(PEM_read_bio_X509, 1);
    case function_id::PEM_read_bio_X509_AUX:
        return IBID_DECODER(PEM_read_bio_X509_AUX, 1);
    case function_id::ASN1_item_d2i:
        return program ? address(&item) : nullptr;
    case function_id::ASN1_item_d2i_ex:
        return program ? address(&item_ex) : nullptr;
    case function_id::CRYPTO_get_ex_new_index:
        return program ? address(&new_index) : nullptr;
    case function_id::OSSL_LIB_CTX_set0_default:
        return program ? address(&default_context) : nullptr;
    case function_id::OSSL_LIB_CTX_free:
        return program ? address(&context_free) : nullptr;
    case function_id::OPENSSL_cleanup: // otherwise OpenSSL reports its end itself
        return libcrypto::at(N).f.OPENSSL_atexit == nullptr ? address(&cleanup) : nullptr;
    case function_id::X509_STORE_lock:
        return program ? address(&store_lock) : nullptr;
    case function_id::X509_STORE_unlock:
        return program ? address(&store_unlock) : nullptr;
    case function_id::SSL_get0_peer_certificate:
        return writes ? address(&get0_peer) : nullptr;
    case function_id::SSL_get1_peer_certificate:
        return attacher ? address(&get1_peer_leased) : writes ? address(&get1_peer) : nullptr;
    case function_id::SSL_get_peer_cert_chain:
        return writes ? address(&peer_chain) : nullptr;
    case function_id::SSL_get0_verified_chain:
        return writes ? address(&verified_chain) : nullptr;
    case function_id::SSL_get0_dane_authority:
        return writes ? address(&dane_authority) : nullptr;
    case function_id::SSL_CTX_add_custom_ext:
        return writes ? address(&add_extension) : nullptr;
    case function_id::SSL_SESSION_get0_peer:
        return writes ? address(&session_peer) : nullptr;
    case function_id::X509_STORE_CTX_get_current_cert:
        return writes ? address(&current_cert) : nullptr;
    case function_id::X509_STORE_CTX_get0_cert:
        return writes ? address(&cert) : nullptr;
    case function_id::X509_STORE_CTX_get0_current_issuer:
        return writes ? address(&current_issuer) : nullptr;
    case function_id::X509_STORE_CTX_get0_chain:
        return writes ? address(&chain0) : nullptr;
    case function_id::X509_STORE_CTX_get1_chain:
        return writes ? address(&chain1) : nullptr;
    case function_id::X509_STORE_CTX_get0_untrusted:
        return writes ? address(&untrusted) : nullptr;
    case function_id::X509_STORE_CTX_get1_certs:
        return writes ? address(&certs) : nullptr;
    case function_id::X509_STORE_CTX_get1_crls:
        return writes ? address(&crls) : nullptr;
    case function_id::X509_STORE_CTX_get1_issuer:
        return writes ? address(&issuer) : nullptr;
    case function_id::X509_STORE_CTX_get_by_subject:
        return writes ? address(&by_subject) : nullptr;
    case function_id::X509_STORE_CTX_get_obj_by_subject:
        return writes ? address(&object_by_subject) : nullptr;
    case function_id::X509_STORE_get0_objects:
        return writes ? address(&objects) : nullptr;
    case function_id::X509_STORE_get1_all_certs:
        return writes ? address(&all_certs) : nullptr;
    case function_id::X509_STORE_get1_objects:
        return writes ? address(&objects_held) : nullptr;
    case function_id::X509_STORE_get_get_issuer:
        return writes ? address(&issuer_function_of_store) : nullptr;
    case function_id::X509_STORE_get_lookup_certs:
        return writes ? address(&certs_function_of_store) : nullptr;
    case function_id::X509_STORE_CTX_get_get_issuer:
        return writes ? address(&issuer_function) : nullptr;
    case function_id::X509_STORE_CTX_get_lookup_certs:
        return writes ? address(&certs_function) : nullptr;
    case function_id::X509_LOOKUP_by_alias:
        return writes ? address(&lookup_by_alias) : nullptr;
    case function_id::X509_LOOKUP_by_fingerprint:
        return writes ? address(&lookup_by_fingerprint) : nullptr;
    case function_id::X509_LOOKUP_by_issuer_serial:
        return writes ? address(&lookup_by_serial) : nullptr;
    case function_id::X509_LOOKUP_by_subject:
        return writes ? address(&lookup_by_subject) : nullptr;
    case function_id::X509_LOOKUP_by_subject_ex:
        return writes ? address(&lookup_by_subject_ex) : nullptr;
    case function_id::X509_set_ex_data:
        return writes ? address(&set_ex_data) : nullptr;
    case function_id::X509_up_ref:
        return attacher ? address(&up_ref) : nullptr;
    case function_id::X509_free:
        return libssl ? address(&free_in_libssl) : attacher ? address(&free) : nullptr;
    default:
        if (id == function_id::X509_get0_signature) {
            return reader || attacher ? address(&signature) : nullptr;
        }
        if (takes_index(id)) {
            return program ? find_ex_data(id) : nullptr;
        }
        if (exposes(id)) {
            return reader || attacher ? find_exposure(id) : nullptr; // a writer's objects are private
        }
        if (holds(id)) {
            return attacher ? find_holder(id) : nullptr;
        }
        return itself || program ? find_reconfiguration(id) : nullptr;
    }
#undef IBID_DECODER
}

} // namespace

void* entry_point(function_id id, module_kind kind, unsigned n) noexcept {
    switch (n) {
    case 0:
        return entries<0>::find(id, kind);
    case 1:
        return entries<1>::find(id, kind);
    case 2:
        return entries<2>::find(id, kind);
    case 3:
        return entries<3>::find(id, kind);
    default:
        return nullptr;
    }
}

} // namespace ibid::openssl::interpose
