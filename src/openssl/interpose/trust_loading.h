// SPDX-License-Identifier: Apache-2.0
//
// Calls that load a trust store. A known file is neither decoded nor parsed.
//
// All loads end in X509_load_cert_crl_file_ex and similar functions. A libcrypto that is linked with
// -Bsymbolic calls these inside itself; there ibid intercepts the calls that enter libcrypto.
//
// Law: everything that a function does besides reading the file is done by the same public calls as in
// OpenSSL. Source: crypto/x509/x509_d2.c and by_file.c, which are the same from 3.0 to 3.6.
#pragma once

#include "openssl/instance/libcrypto.h"

namespace ibid::openssl::interpose {

// The number of objects that are in the store now; negative: OpenSSL should load this file itself.
[[nodiscard]] int load_shared(libcrypto& of, X509_LOOKUP* lookup, const char* file, file_kind kind, int type);

int load_certificate_file(libcrypto& of, X509_LOOKUP* lookup, const char* file, int type,
                          OSSL_LIB_CTX* context, const char* property_query);
int load_file(libcrypto& of, X509_LOOKUP* lookup, const char* file, int type, OSSL_LIB_CTX* context,
              const char* property_query);
int load_crl_file(libcrypto& of, X509_LOOKUP* lookup, const char* file, int type);

// With -Bsymbolic.
int store_load_file(libcrypto& of, X509_STORE* store, const char* file, OSSL_LIB_CTX* context,
                    const char* property_query);
int store_load_locations(libcrypto& of, X509_STORE* store, const char* file, const char* folder,
                         OSSL_LIB_CTX* context, const char* property_query);
int store_set_default_paths(libcrypto& of, X509_STORE* store, OSSL_LIB_CTX* context,
                            const char* property_query);
// X509_LOOKUP_load_file is a macro for this one.
int lookup_control(libcrypto& of, X509_LOOKUP* lookup, int command, const char* argument, long type,
                   char** result, OSSL_LIB_CTX* context, const char* property_query);

} // namespace ibid::openssl::interpose
