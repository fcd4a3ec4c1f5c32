// SPDX-License-Identifier: Apache-2.0
//
// Functions that verify a certificate, or one signature.
#pragma once

#include "entry.h"
#include "openssl/interpose/owners.h"
#include "openssl/interpose/private_store.h"
#include "openssl/interpose/verification.h"

namespace ibid::openssl::interpose {

template <unsigned N>
struct verifications {
    [[nodiscard]] static libcrypto& of() noexcept { return libcrypto::at(N); }

    // libcrypto's call for each link of a chain.
    static int verify(X509* x, EVP_PKEY* key) { return verify_link(of(), x, key); }

    static int chain_step(X509_STORE_CTX* verification) { return verify_chain(of(), verification); }
    // libssl's call.
    static int verify_peer(X509_STORE_CTX* verification) {
        const bool notes = of().gives_own_objects();
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
    // A program's call.
    static int verify_own(X509_STORE_CTX* verification) {
        give_store_its_own(verification);
        return verify_certificate(of(), verification, nullptr);
    }
    // A call of libcrypto for the program: PKCS7_verify() and similar functions.
    static int verify_inside(X509_STORE_CTX* verification) {
        give_store_its_own(verification);
        return of().f.X509_verify_cert(verification);
    }

    [[nodiscard]] static void* find(function_id id, module_kind kind) noexcept {
        if (id == function_id::X509_verify) {
            return kind == module_kind::libcrypto ? address(&verify) : nullptr;
        }
        if (id != function_id::X509_verify_cert) {
            return nullptr;
        }
        return kind == module_kind::libssl      ? address(&verify_peer)
               : kind == module_kind::libcrypto ? address(&verify_inside)
                                                : address(&verify_own);
    }

private:
    // What a writer's callback writes is seen by the rest of the verification. No verification reads what an
    // attacher attaches: it gets the store's objects when it asks for them.
    static void give_store_its_own(const X509_STORE_CTX* verification) {
        if (of().has_writer() && verification != nullptr) {
            make_private(of(), of().f.X509_STORE_CTX_get0_store(verification), store_use::verifies);
        }
    }
};

} // namespace ibid::openssl::interpose
