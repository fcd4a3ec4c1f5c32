// SPDX-License-Identifier: Apache-2.0
//
// Functions that take or drop references to certificates. In an attacher they decide how long a lease lasts
// (leases.h).
#pragma once

#include <type_traits>

#include "entry.h"
#include "openssl/interpose/given_by_store.h"
#include "openssl/interpose/leases.h"
#include "openssl/interpose/private_store.h"
#include "openssl/interpose/session_notes.h"

namespace ibid::openssl::interpose {

// OpenSSL's headers differ in which parameters are const.
template <class Argument>
inline constexpr bool is_certificate =
    std::is_same_v<std::remove_cv_t<std::remove_pointer_t<Argument>>, X509>;
template <class Argument>
inline constexpr bool is_certificates =
    std::is_same_v<std::remove_cv_t<std::remove_pointer_t<Argument>>, STACK_OF(X509)>;

template <class Argument>
void keep_if_held(libcrypto& of, Argument argument) {
    if constexpr (is_certificate<Argument>) {
        keep_held(of, const_cast<X509*>(argument));
    } else if constexpr (is_certificates<Argument>) {
        keep_held(of, const_cast<STACK_OF(X509)*>(argument));
    }
}

// A function that takes references to the certificates among its arguments.
template <unsigned N, auto Member>
struct holder;
template <unsigned N, class Result, class... Arguments, Result (*functions::*Member)(Arguments...)>
struct holder<N, Member> {
    static_assert(((is_certificate<Arguments> || is_certificates<Arguments>) || ...),
                  "this function takes no certificate, or by a type that is not known here");

    static Result entry(Arguments... arguments) {
        libcrypto& of = libcrypto::at(N);
        (keep_if_held(of, arguments), ...);
        return (of.f.*Member)(arguments...);
    }
};

// The store from which the program's own chain is built.
[[nodiscard]] inline X509_STORE* store_of_chains(libcrypto& of, SSL_CTX* context) {
    X509_STORE* store = nullptr;
    (void)of.f.SSL_CTX_ctrl(context, SSL_CTRL_GET_CHAIN_CERT_STORE, 0, &store);
    return store != nullptr ? store : of.f.SSL_CTX_get_cert_store(context);
}
[[nodiscard]] inline X509_STORE* store_of_chains(libcrypto& of, SSL* ssl) {
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

template <unsigned N>
struct references {
    [[nodiscard]] static libcrypto& of() noexcept { return libcrypto::at(N); }

    static int up_ref(X509* x) { return hold(of(), x); }
    static void free(X509* x) { let_go(of(), x); }
    static void free_in_libssl(X509* x) { let_go_in_libssl(of(), x); }
    static int store_add(X509_STORE* store, X509* x) { return add_to_store(of(), store, x); }

    [[nodiscard]] static void* find(function_id id, module_kind kind) noexcept {
        if (kind == module_kind::libssl) {
            return id == function_id::X509_free ? address(&free_in_libssl) : nullptr;
        }
        if (kind != module_kind::attacher) {
            return nullptr;
        }
        switch (id) {
        case function_id::X509_up_ref:
            return address(&up_ref);
        case function_id::X509_free:
            return address(&free);
        case function_id::X509_STORE_add_cert:
            return address(&store_add);
        case function_id::SSL_ctrl:
            return address(&control<N, &functions::SSL_ctrl>::entry);
        case function_id::SSL_CTX_ctrl:
            return address(&control<N, &functions::SSL_CTX_ctrl>::entry);
#define IBID_CASE(name)                                                                                      \
    case function_id::name:                                                                                  \
        return address(&holder<N, &functions::name>::entry);
            IBID_OPENSSL_HOLDERS(IBID_CASE)
            IBID_LIBSSL_HOLDERS(IBID_CASE)
#undef IBID_CASE
        default:
            return nullptr;
        }
    }
};

} // namespace ibid::openssl::interpose
