// SPDX-License-Identifier: Apache-2.0
//
// Functions that load trust files, for every caller: the functions in which all loads end, or, if calls
// inside libcrypto cannot be intercepted (-Bsymbolic), also the functions that enter libcrypto.
#pragma once

#include "entry.h"
#include "openssl/interpose/trust_loading.h"

namespace ibid::openssl::interpose {

template <unsigned N>
struct trust_files {
    [[nodiscard]] static libcrypto& of() noexcept { return libcrypto::at(N); }

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

    // ---- with -Bsymbolic

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

    [[nodiscard]] static void* find(function_id id, module_kind kind) noexcept {
        switch (id) {
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
        default:
            return kind != module_kind::libcrypto && of().symbolic() ? find_outer(id) : nullptr;
        }
    }

private:
    [[nodiscard]] static void* find_outer(function_id id) noexcept {
        switch (id) {
        case function_id::X509_STORE_load_file:
            return address(&store_file);
        case function_id::X509_STORE_load_file_ex:
            return address(&store_file_ex);
        case function_id::X509_STORE_load_locations:
            return address(&store_locations);
        case function_id::X509_STORE_load_locations_ex:
            return address(&store_locations_ex);
        case function_id::X509_STORE_set_default_paths:
            return address(&store_defaults);
        case function_id::X509_STORE_set_default_paths_ex:
            return address(&store_defaults_ex);
        case function_id::X509_LOOKUP_ctrl:
            return address(&lookup);
        case function_id::X509_LOOKUP_ctrl_ex:
            return address(&lookup_ex);
        default:
            return nullptr;
        }
    }
};

} // namespace ibid::openssl::interpose
