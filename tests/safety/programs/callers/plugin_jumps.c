// SPDX-License-Identifier: Apache-2.0
//
// A plugin whose functions end in OpenSSL's: with optimization each is a jump, and OpenSSL returns to the
// plugin's host.
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>

void* plugin_open(const char* file) {
    return BIO_new_file(file, "r");
}

void* plugin_certificate(void* bio) {
    return PEM_read_bio_X509(bio, NULL, NULL, NULL);
}

void* plugin_list(void* bio) {
    return PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
}

void* plugin_der(const unsigned char** p, long size) {
    return d2i_X509(NULL, p, size);
}

void* plugin_item(const unsigned char** p, long size) {
    return ASN1_item_d2i(NULL, p, size, ASN1_ITEM_rptr(X509));
}

void* plugin_rsa(const unsigned char** p, long size) {
    return d2i_RSAPrivateKey(NULL, p, size);
}

void* plugin_provider(const char* name) {
    return OSSL_PROVIDER_load(NULL, name);
}

int plugin_unload(void* provider) {
    return OSSL_PROVIDER_unload(provider);
}

void* plugin_store(void) {
    return X509_STORE_new();
}

int plugin_trust(void* store, const char* file) {
    return X509_STORE_load_file(store, file);
}

int plugin_folder(void* store, const char* folder) {
    return X509_STORE_load_path(store, folder);
}

void* plugin_context(void) {
    return SSL_CTX_new(TLS_client_method());
}

int plugin_context_trust(void* context, const char* file) {
    return SSL_CTX_load_verify_locations(context, file, NULL);
}

void* plugin_library_context(void) {
    return OSSL_LIB_CTX_new();
}

int plugin_index(void) {
    return CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509, 0, NULL, NULL, NULL, NULL) >= 0;
}
