// SPDX-License-Identifier: Apache-2.0
//
// Loads of trust stores, met where the call enters libcrypto. Where its inner calls can be met (X509_load_cert_crl_file_ex),
// nothing is done here; a libcrypto that is linked with -Bsymbolic does the rest by itself, and the file must be brought in
// before.
//
// Law: as in interposed.h. What a function does beside reading the file is done by the public calls that it consists of.
// Source: crypto/x509/x509_d2.c and by_file.c, which are the same from 3.0 to 3.6.
#pragma once

#include <openssl/types.h>

#include "caller.h"
#include "trust_store.h"

namespace ibid::openssl {

// The same file again costs no decoding and no parsing: the number of its objects. Negative: load it.
[[nodiscard]] int load_shared(const caller& by, X509_LOOKUP* lookup, const char* file, file_kind kind,
                              int type);

namespace interposed {

int x509_store_load_file_ex(const void* code, X509_STORE* store, const char* file, OSSL_LIB_CTX* context,
                            const char* property_query);
int x509_store_load_locations_ex(const void* code, X509_STORE* store, const char* file, const char* folder,
                                 OSSL_LIB_CTX* context, const char* property_query);
int x509_store_set_default_paths_ex(const void* code, X509_STORE* store, OSSL_LIB_CTX* context,
                                    const char* property_query);

// X509_LOOKUP_load_file is a macro for this one.
int x509_lookup_ctrl_ex(const void* code, X509_LOOKUP* lookup, int command, const char* argument, long type,
                        char** result, OSSL_LIB_CTX* context, const char* property_query);

} // namespace interposed

} // namespace ibid::openssl
