// SPDX-License-Identifier: Apache-2.0
//
// Functions that give certificates of a running verification to a program that may write to them.
#pragma once

#include "entry.h"
#include "openssl/interpose/private_objects.h"

namespace ibid::openssl::interpose {

template <unsigned N>
struct verification_getters {
    [[nodiscard]] static libcrypto& of() noexcept { return libcrypto::at(N); }

    static X509* current_cert(const X509_STORE_CTX* v) {
        return lend(v, of().f.X509_STORE_CTX_get_current_cert(v), 0);
    }
    static X509* cert(const X509_STORE_CTX* v) {
        return sent_to_verification(for_writer<N>(), mutable_(v), of().f.X509_STORE_CTX_get0_cert(v));
    }
    static X509* current_issuer(const X509_STORE_CTX* v) {
        return lend(v, of().f.X509_STORE_CTX_get0_current_issuer(v), 1);
    }
    static STACK_OF(X509) * chain0(const X509_STORE_CTX* v) {
        return of_verification(for_writer<N>(), mutable_(v), of().f.X509_STORE_CTX_get0_chain(v));
    }
    static STACK_OF(X509) * chain1(const X509_STORE_CTX* v) {
        return of_verification_held(for_writer<N>(), mutable_(v), of().f.X509_STORE_CTX_get1_chain(v));
    }
    static STACK_OF(X509) * untrusted(const X509_STORE_CTX* v) {
        return sent_to_verification(for_writer<N>(), mutable_(v), of().f.X509_STORE_CTX_get0_untrusted(v));
    }

    [[nodiscard]] static void* find(function_id id, module_kind kind) noexcept {
        if (!may_write(kind)) {
            return nullptr;
        }
        switch (id) {
        case function_id::X509_STORE_CTX_get_current_cert:
            return address(&current_cert);
        case function_id::X509_STORE_CTX_get0_cert:
            return address(&cert);
        case function_id::X509_STORE_CTX_get0_current_issuer:
            return address(&current_issuer);
        case function_id::X509_STORE_CTX_get0_chain:
            return address(&chain0);
        case function_id::X509_STORE_CTX_get1_chain:
            return address(&chain1);
        case function_id::X509_STORE_CTX_get0_untrusted:
            return address(&untrusted);
        default:
            return nullptr;
        }
    }

private:
    [[nodiscard]] static X509_STORE_CTX* mutable_(const X509_STORE_CTX* v) noexcept {
        return const_cast<X509_STORE_CTX*>(v);
    }
    [[nodiscard]] static X509* lend(const X509_STORE_CTX* v, X509* x, int above) {
        return of_verification(for_writer<N>(), mutable_(v), x, above);
    }
};

} // namespace ibid::openssl::interpose
