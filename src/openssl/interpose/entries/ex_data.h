// SPDX-License-Identifier: Apache-2.0
//
// Functions that take an index of ex_data. No program reads or overwrites what ibid keeps beside an object.
#pragma once

#include "entry.h"
#include "openssl/interpose/leases.h"
#include "openssl/interpose/program_indices.h"

namespace ibid::openssl::interpose {

// A function that reads or sets data beside an object of this class.
template <unsigned N, int object_class, auto Member>
struct ex_data_of;
template <unsigned N, int object_class, class Object, void* (*functions::*Member)(const Object*, int)>
struct ex_data_of<N, object_class, Member> {
    static void* entry(const Object* of_object, int index) {
        libcrypto& of = libcrypto::at(N);
        return (of.f.*Member)(of_object, index_to_read(of, object_class, index));
    }
};
template <unsigned N, int object_class, class Object, int (*functions::*Member)(Object*, int, void*)>
struct ex_data_of<N, object_class, Member> {
    static int entry(Object* of_object, int index, void* data) {
        libcrypto& of = libcrypto::at(N);
        return (of.f.*Member)(of_object, index_to_write(of, object_class, index), data);
    }
};

template <unsigned N>
struct ex_data {
    [[nodiscard]] static libcrypto& of() noexcept { return libcrypto::at(N); }

    static int new_index(int object_class, long number, void* pointer, CRYPTO_EX_new* on_new,
                         CRYPTO_EX_dup* on_dup, CRYPTO_EX_free* on_free) {
        return get_ex_new_index(of(), object_class, number, pointer, on_new, on_dup, on_free);
    }
    static int free_index(int object_class, int index) { return free_ex_index(of(), object_class, index); }
    static int set_ex_data(X509* x, int index, void* data) {
        return attach(of(), x, index_to_write(of(), CRYPTO_EX_INDEX_X509, index), data);
    }

    [[nodiscard]] static void* find(function_id id, module_kind kind) noexcept {
        if (!is_program(kind)) {
            return nullptr;
        }
        switch (id) {
        case function_id::CRYPTO_get_ex_new_index:
            return address(&new_index);
        case function_id::CRYPTO_free_ex_index:
            return address(&free_index);
        case function_id::X509_set_ex_data:
            return may_write(kind) ? address(&set_ex_data) : nullptr;
#define IBID_CASE(name, object_class)                                                                        \
    case function_id::name:                                                                                  \
        return address(&ex_data_of<N, object_class, &functions::name>::entry);
            IBID_CASE(X509_get_ex_data, CRYPTO_EX_INDEX_X509)
            IBID_CASE(EVP_PKEY_get_ex_data, CRYPTO_EX_INDEX_EVP_PKEY)
            IBID_CASE(EVP_PKEY_set_ex_data, CRYPTO_EX_INDEX_EVP_PKEY)
            IBID_CASE(X509_STORE_get_ex_data, CRYPTO_EX_INDEX_X509_STORE)
            IBID_CASE(X509_STORE_set_ex_data, CRYPTO_EX_INDEX_X509_STORE)
            IBID_CASE(SSL_SESSION_get_ex_data, CRYPTO_EX_INDEX_SSL_SESSION)
            IBID_CASE(SSL_SESSION_set_ex_data, CRYPTO_EX_INDEX_SSL_SESSION)
            IBID_CASE(SSL_get_ex_data, CRYPTO_EX_INDEX_SSL)
            IBID_CASE(SSL_set_ex_data, CRYPTO_EX_INDEX_SSL)
#undef IBID_CASE
        default:
            return nullptr;
        }
    }
};

} // namespace ibid::openssl::interpose
