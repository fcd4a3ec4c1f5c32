// SPDX-License-Identifier: Apache-2.0
//
// Functions that change the preconditions of sharing and remembering: library contexts, the available
// algorithms, the end of OpenSSL.
#pragma once

#include "entry.h"
#include "openssl/interpose/contexts.h"

namespace ibid::openssl::interpose {

// A function that changes the available algorithms.
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

template <unsigned N>
struct configuration {
    [[nodiscard]] static libcrypto& of() noexcept { return libcrypto::at(N); }

    static OSSL_LIB_CTX* default_context(OSSL_LIB_CTX* context) { return set_default_context(of(), context); }
    static void context_free(OSSL_LIB_CTX* context) { free_context(of(), context); }
    static void cleanup() { clean_up(of()); }

    [[nodiscard]] static void* find(function_id id, module_kind kind) noexcept {
        switch (id) {
        case function_id::OSSL_LIB_CTX_set0_default:
            return is_program(kind) ? address(&default_context) : nullptr;
        case function_id::OSSL_LIB_CTX_free:
            return is_program(kind) ? address(&context_free) : nullptr;
        case function_id::OPENSSL_cleanup: // otherwise OpenSSL reports its end itself
            return of().f.OPENSSL_atexit == nullptr ? address(&cleanup) : nullptr;
        default:
            return kind != module_kind::libssl ? find_reconfiguration(id) : nullptr;
        }
    }

private:
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
};

} // namespace ibid::openssl::interpose
