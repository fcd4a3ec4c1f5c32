// SPDX-License-Identifier: Apache-2.0
//
// The symbols that an unmodified program meets in libibid_preload.so. No logic: src/openssl has it.
//
// Each is defined with OpenSSL's own symbol version, as a *hidden* one (a single @): references from code that was linked
// against OpenSSL 3 bind here, OpenSSL 1.1's do not, and a program that asks dlsym() whether there is an OpenSSL gets the
// answer it would get without ibid.
#include <openssl/x509.h>

#include "openssl/interposed.h"
#include "openssl/outer_borders.h"

#define IBID_SYMBOL(name) __asm__(".symver ibid_" #name ", " #name "@OPENSSL_3.0.0")
#define IBID_CALLER __builtin_return_address(0)

namespace interposed = ibid::openssl::interposed;

#pragma GCC visibility push(default)
extern "C" {

IBID_SYMBOL(X509_new_ex);
X509* ibid_X509_new_ex(OSSL_LIB_CTX* context, const char* property_query) {
    return interposed::x509_new_ex(IBID_CALLER, context, property_query);
}

IBID_SYMBOL(d2i_X509);
X509* ibid_d2i_X509(X509** a, const unsigned char** pp, long length) {
    return interposed::d2i_x509(IBID_CALLER, a, pp, length);
}

IBID_SYMBOL(d2i_X509_AUX);
X509* ibid_d2i_X509_AUX(X509** a, const unsigned char** pp, long length) {
    return interposed::d2i_x509_aux(IBID_CALLER, a, pp, length);
}

IBID_SYMBOL(X509_load_cert_file);
int ibid_X509_load_cert_file(X509_LOOKUP* lookup, const char* file, int type) {
    return interposed::x509_load_cert_file(IBID_CALLER, lookup, file, type);
}

IBID_SYMBOL(X509_load_cert_file_ex);
int ibid_X509_load_cert_file_ex(X509_LOOKUP* lookup, const char* file, int type, OSSL_LIB_CTX* context,
                                const char* query) {
    return interposed::x509_load_cert_file_ex(IBID_CALLER, lookup, file, type, context, query);
}

IBID_SYMBOL(X509_load_cert_crl_file);
int ibid_X509_load_cert_crl_file(X509_LOOKUP* lookup, const char* file, int type) {
    return interposed::x509_load_cert_crl_file(IBID_CALLER, lookup, file, type);
}

IBID_SYMBOL(X509_load_cert_crl_file_ex);
int ibid_X509_load_cert_crl_file_ex(X509_LOOKUP* lookup, const char* file, int type, OSSL_LIB_CTX* context,
                                    const char* query) {
    return interposed::x509_load_cert_crl_file_ex(IBID_CALLER, lookup, file, type, context, query);
}

IBID_SYMBOL(X509_load_crl_file);
int ibid_X509_load_crl_file(X509_LOOKUP* lookup, const char* file, int type) {
    return interposed::x509_load_crl_file(IBID_CALLER, lookup, file, type);
}

IBID_SYMBOL(X509_STORE_load_file);
int ibid_X509_STORE_load_file(X509_STORE* store, const char* file) {
    return interposed::x509_store_load_file_ex(IBID_CALLER, store, file, nullptr, nullptr);
}

IBID_SYMBOL(X509_STORE_load_file_ex);
int ibid_X509_STORE_load_file_ex(X509_STORE* store, const char* file, OSSL_LIB_CTX* context,
                                 const char* query) {
    return interposed::x509_store_load_file_ex(IBID_CALLER, store, file, context, query);
}

IBID_SYMBOL(OSSL_STORE_load);
OSSL_STORE_INFO* ibid_OSSL_STORE_load(OSSL_STORE_CTX* from) {
    return interposed::ossl_store_load(IBID_CALLER, from);
}

#ifndef OPENSSL_NO_OCSP
IBID_SYMBOL(OCSP_response_get1_basic);
OCSP_BASICRESP* ibid_OCSP_response_get1_basic(OCSP_RESPONSE* response) {
    return interposed::ocsp_response_get1_basic(IBID_CALLER, response);
}
#endif
IBID_SYMBOL(X509_STORE_load_locations);
int ibid_X509_STORE_load_locations(X509_STORE* store, const char* file, const char* folder) {
    return interposed::x509_store_load_locations_ex(IBID_CALLER, store, file, folder, nullptr, nullptr);
}

IBID_SYMBOL(X509_STORE_load_locations_ex);
int ibid_X509_STORE_load_locations_ex(X509_STORE* store, const char* file, const char* folder,
                                      OSSL_LIB_CTX* context, const char* query) {
    return interposed::x509_store_load_locations_ex(IBID_CALLER, store, file, folder, context, query);
}

IBID_SYMBOL(X509_STORE_set_default_paths);
int ibid_X509_STORE_set_default_paths(X509_STORE* store) {
    return interposed::x509_store_set_default_paths_ex(IBID_CALLER, store, nullptr, nullptr);
}

IBID_SYMBOL(X509_STORE_set_default_paths_ex);
int ibid_X509_STORE_set_default_paths_ex(X509_STORE* store, OSSL_LIB_CTX* context, const char* query) {
    return interposed::x509_store_set_default_paths_ex(IBID_CALLER, store, context, query);
}

IBID_SYMBOL(X509_LOOKUP_ctrl);
int ibid_X509_LOOKUP_ctrl(X509_LOOKUP* lookup, int command, const char* argument, long type, char** result) {
    return interposed::x509_lookup_ctrl_ex(IBID_CALLER, lookup, command, argument, type, result, nullptr,
                                           nullptr);
}

IBID_SYMBOL(X509_LOOKUP_ctrl_ex);
int ibid_X509_LOOKUP_ctrl_ex(X509_LOOKUP* lookup, int command, const char* argument, long type, char** result,
                             OSSL_LIB_CTX* context, const char* query) {
    return interposed::x509_lookup_ctrl_ex(IBID_CALLER, lookup, command, argument, type, result, context,
                                           query);
}

IBID_SYMBOL(X509_it);
const ASN1_ITEM* ibid_X509_it() {
    return interposed::x509_it(IBID_CALLER);
}

IBID_SYMBOL(ASN1_item_d2i);
ASN1_VALUE* ibid_ASN1_item_d2i(ASN1_VALUE** value, const unsigned char** in, long length,
                               const ASN1_ITEM* item) {
    return interposed::asn1_item_d2i(IBID_CALLER, value, in, length, item);
}

IBID_SYMBOL(ASN1_item_d2i_ex);
ASN1_VALUE* ibid_ASN1_item_d2i_ex(ASN1_VALUE** value, const unsigned char** in, long length,
                                  const ASN1_ITEM* item, OSSL_LIB_CTX* context, const char* query) {
    return interposed::asn1_item_d2i_ex(IBID_CALLER, value, in, length, item, context, query);
}

IBID_SYMBOL(X509_verify);
int ibid_X509_verify(X509* x, EVP_PKEY* key) {
    return interposed::x509_verify(IBID_CALLER, x, key);
}

IBID_SYMBOL(X509_verify_cert);
int ibid_X509_verify_cert(X509_STORE_CTX* verification) {
    return interposed::x509_verify_cert(IBID_CALLER, verification);
}

IBID_SYMBOL(CRYPTO_get_ex_new_index);
int ibid_CRYPTO_get_ex_new_index(int object_class, long number, void* pointer, CRYPTO_EX_new* on_new,
                                 CRYPTO_EX_dup* on_dup, CRYPTO_EX_free* on_free) {
    return interposed::crypto_get_ex_new_index(IBID_CALLER, object_class, number, pointer, on_new, on_dup,
                                               on_free);
}

IBID_SYMBOL(OSSL_LIB_CTX_set0_default);
OSSL_LIB_CTX* ibid_OSSL_LIB_CTX_set0_default(OSSL_LIB_CTX* context) {
    return interposed::ossl_lib_ctx_set0_default(IBID_CALLER, context);
}

IBID_SYMBOL(OSSL_LIB_CTX_free);
void ibid_OSSL_LIB_CTX_free(OSSL_LIB_CTX* context) {
    interposed::ossl_lib_ctx_free(IBID_CALLER, context);
}

} // extern "C"
#pragma GCC visibility pop
