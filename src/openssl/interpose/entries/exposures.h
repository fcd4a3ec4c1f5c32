// SPDX-License-Identifier: Apache-2.0
//
// Getters that return a pointer into a certificate: recorded before the caller has the pointer. Only for
// modules whose certificates are shared; a writer's are private.
#pragma once

#include "entry.h"

namespace ibid::openssl::interpose {

inline void note_exposure(libcrypto& of, const X509* x, exposure part) {
    if (certificate_cache* const cache = of.made_certificates()) {
        cache->expose(x, part);
    }
}

// The certificate is the first argument.
template <unsigned N, auto Member, exposure part>
struct getter;
template <unsigned N, exposure part, class Result, class Certificate, class... Arguments,
          Result (*functions::*Member)(Certificate*, Arguments...)>
struct getter<N, Member, part> {
    static Result entry(Certificate* x, Arguments... arguments) {
        libcrypto& of = libcrypto::at(N);
        note_exposure(of, x, part);
        return (of.f.*Member)(x, arguments...);
    }
};

template <unsigned N>
struct exposures {
    static void signature(const ASN1_BIT_STRING** bits, const X509_ALGOR** algorithm, const X509* x) {
        libcrypto& of = libcrypto::at(N);
        note_exposure(of, x, signature_is_exposed);
        of.f.X509_get0_signature(bits, algorithm, x);
    }

    [[nodiscard]] static void* find(function_id id, module_kind kind) noexcept {
        if (kind != module_kind::reader && kind != module_kind::attacher) {
            return nullptr;
        }
        switch (id) {
        case function_id::X509_get0_signature:
            return address(&signature);
        case function_id::X509_get_X509_PUBKEY:
            return address(&getter<N, &functions::X509_get_X509_PUBKEY, key_is_exposed>::entry);
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
        default:
            return nullptr;
        }
    }
};

} // namespace ibid::openssl::interpose
