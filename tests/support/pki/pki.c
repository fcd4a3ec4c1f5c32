/* SPDX-License-Identifier: Apache-2.0 */
#include "pki.h"

#include <openssl/dsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <pthread.h>

/* One call at a time: the thread sanitizer does not see the locks of this hidden OpenSSL. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static X509* certificate_of(struct ibid_pki_bytes bytes) {
    const unsigned char* p = bytes.data;
    return d2i_X509(NULL, &p, (long)bytes.size);
}

static EVP_PKEY* private_key_of(struct ibid_pki_bytes bytes) {
    const unsigned char* p = bytes.data;
    return d2i_AutoPrivateKey(NULL, &p, (long)bytes.size);
}

static int set_key(X509* x, struct ibid_pki_bytes bytes, unsigned flags) {
    const unsigned char* p = bytes.data;
    EVP_PKEY* const key = d2i_PUBKEY(NULL, &p, (long)bytes.size);
    int good = key != NULL && X509_set_pubkey(x, key) == 1;
    EVP_PKEY_free(key);
    if (good && (flags & ibid_pki_without_parameters) != 0) {
        X509_PUBKEY* const place = (X509_PUBKEY*)X509_get_X509_PUBKEY(x); // const in 4.0
        ASN1_OBJECT* algorithm = NULL;
        const unsigned char* bits = NULL;
        int size = 0;
        X509_PUBKEY_get0_param(&algorithm, &bits, &size, NULL, place);
        good = X509_PUBKEY_set0_param(place, OBJ_dup(algorithm), V_ASN1_UNDEF, NULL,
                                      OPENSSL_memdup(bits, (size_t)size), size) == 1;
    }
    return good;
}

static int set_names(X509* x, const char* name, X509* issuer) {
    X509_NAME* const subject = (X509_NAME*)X509_get_subject_name(x); // const in 4.0
    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char*)name, -1, -1, 0) ==
               1 &&
           X509_set_issuer_name(x, issuer != NULL ? X509_get_subject_name(issuer) : subject) == 1;
}

static int add_extensions(X509* x, X509* issuer, const char* const* all) {
    int good = 1;
    for (; good && all != NULL && all[0] != NULL; all += 2) {
        X509V3_CTX context;
        X509V3_set_ctx_nodb(&context);
        X509V3_set_ctx(&context, issuer != NULL ? issuer : x, x, NULL, NULL, 0);
        X509_EXTENSION* const extension = X509V3_EXT_nconf(NULL, &context, all[0], all[1]);
        good = extension != NULL && X509_add_ext(x, extension, -1) == 1;
        X509_EXTENSION_free(extension);
    }
    return good;
}

static int sign(X509* x, EVP_PKEY* signer, unsigned flags) {
    EVP_MD_CTX* const signing = EVP_MD_CTX_new();
    EVP_PKEY_CTX* parameters = NULL;
    const int good = EVP_DigestSignInit(signing, &parameters, EVP_sha256(), NULL, signer) == 1 &&
                     ((flags & ibid_pki_pss) == 0 ||
                      EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1) &&
                     X509_sign_ctx(x, signing) > 0;
    EVP_MD_CTX_free(signing);
    return good;
}

static size_t encode(X509* x, unsigned flags, unsigned char** out) {
    *out = NULL;
    if ((flags & ibid_pki_rejects_servers) != 0) {
        X509_add1_reject_object(x, OBJ_nid2obj(NID_server_auth));
    }
    const int size = (flags & ibid_pki_rejects_servers) != 0 ? i2d_X509_AUX(x, out) : i2d_X509(x, out);
    if (size > 0 && (flags & ibid_pki_broken_signature) != 0) {
        (*out)[size - 1] ^= 1; /* the last number of a signature */
    }
    return size > 0 ? (size_t)size : 0;
}

size_t ibid_pki_certificate(const struct ibid_pki_request* r, unsigned char** out) {
    pthread_mutex_lock(&mutex);
    X509* const x = X509_new();
    X509* const issuer = r->issuer.data != NULL ? certificate_of(r->issuer) : NULL;
    EVP_PKEY* const signer = private_key_of(r->signer);
    size_t size = 0;
    if (signer != NULL && (issuer != NULL || r->issuer.data == NULL) &&
        X509_set_version(x, X509_VERSION_3) == 1 &&
        ASN1_INTEGER_set(X509_get_serialNumber(x), r->serial) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL &&
        X509_gmtime_adj(X509_getm_notAfter(x), r->days * 86400) != NULL && set_names(x, r->name, issuer) &&
        set_key(x, r->key, r->flags) && add_extensions(x, issuer, r->extensions) &&
        sign(x, signer, r->flags)) {
        size = encode(x, r->flags, out);
    }
    EVP_PKEY_free(signer);
    X509_free(issuer);
    X509_free(x);
    pthread_mutex_unlock(&mutex);
    return size;
}

static int revoke(X509_CRL* crl, const char* hex, const ASN1_TIME* when) {
    X509_REVOKED* const entry = X509_REVOKED_new();
    BIGNUM* number = NULL;
    ASN1_INTEGER* const serial = BN_hex2bn(&number, hex) > 0 ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
    const int good = serial != NULL && X509_REVOKED_set_serialNumber(entry, serial) == 1 &&
                     X509_REVOKED_set_revocationDate(entry, (ASN1_TIME*)when) == 1 &&
                     X509_CRL_add0_revoked(crl, entry) == 1;
    ASN1_INTEGER_free(serial);
    BN_free(number);
    return good;
}

size_t ibid_pki_crl(struct ibid_pki_bytes issuer_bytes, struct ibid_pki_bytes signer_bytes,
                    const char* const* serials, unsigned char** out) {
    pthread_mutex_lock(&mutex);
    X509* const issuer = certificate_of(issuer_bytes);
    EVP_PKEY* const signer = private_key_of(signer_bytes);
    X509_CRL* const crl = X509_CRL_new();
    ASN1_TIME* const time = X509_gmtime_adj(NULL, 0);
    int good = issuer != NULL && signer != NULL && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
               X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) == 1 &&
               X509_CRL_set1_lastUpdate(crl, time) == 1 && X509_gmtime_adj(time, 86400) != NULL &&
               X509_CRL_set1_nextUpdate(crl, time) == 1;
    for (; good && *serials != NULL; ++serials) {
        good = revoke(crl, *serials, time);
    }
    *out = NULL;
    const int size = good && X509_CRL_sign(crl, signer, EVP_sha256()) > 0 ? i2d_X509_CRL(crl, out) : 0;
    ASN1_TIME_free(time);
    X509_CRL_free(crl);
    EVP_PKEY_free(signer);
    X509_free(issuer);
    pthread_mutex_unlock(&mutex);
    return size > 0 ? (size_t)size : 0;
}

size_t ibid_pki_dsa_key(unsigned char** out) {
    pthread_mutex_lock(&mutex);
    EVP_PKEY_CTX* const parameters = EVP_PKEY_CTX_new_id(EVP_PKEY_DSA, NULL);
    EVP_PKEY* domain = NULL;
    EVP_PKEY* key = NULL;
    int good = EVP_PKEY_paramgen_init(parameters) == 1 &&
               EVP_PKEY_CTX_set_dsa_paramgen_bits(parameters, 1024) == 1 &&
               EVP_PKEY_CTX_set_dsa_paramgen_q_bits(parameters, 160) == 1 &&
               EVP_PKEY_paramgen(parameters, &domain) == 1;
    EVP_PKEY_CTX* const context = good ? EVP_PKEY_CTX_new(domain, NULL) : NULL;
    good = good && EVP_PKEY_keygen_init(context) == 1 && EVP_PKEY_keygen(context, &key) == 1;
    PKCS8_PRIV_KEY_INFO* const info = good ? EVP_PKEY2PKCS8(key) : NULL;
    *out = NULL;
    const int size = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, out) : 0;
    PKCS8_PRIV_KEY_INFO_free(info);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(domain);
    EVP_PKEY_CTX_free(parameters);
    pthread_mutex_unlock(&mutex);
    return size > 0 ? (size_t)size : 0;
}

void ibid_pki_free(unsigned char* bytes) {
    OPENSSL_free(bytes);
}
