// SPDX-License-Identifier: Apache-2.0
//
// The public setters by which a program can change a certificate or a CRL: each lets go of the sharing first, then does
// its work.
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "openssl/interposed.h"

// `x`: the certificate that is written to. `failure`: what a caller gets when there is no OpenSSL to go on with.
#define IBID_SETTER(result, name, parameters, x, arguments, failure)                                         \
    IBID_WRITER(before_write, result, name, parameters, x, arguments, failure)
#define IBID_CRL_SETTER(result, name, parameters, crl, arguments, failure)                                   \
    IBID_WRITER(before_crl_write, result, name, parameters, crl, arguments, failure)
#define IBID_CRL_FILLER(result, name, parameters, crl, arguments, failure)                                   \
    IBID_WRITER(before_filling, result, name, parameters, crl, arguments, failure)
#define IBID_WRITER(before, result, name, parameters, x, arguments, failure)                                 \
    __asm__(".symver ibid_" #name ", " #name "@OPENSSL_3.0.0");                                              \
    result ibid_##name parameters {                                                                          \
        const auto* const f = before(__builtin_return_address(0), x);                                        \
        return f != nullptr && f->name != nullptr ? f->name arguments : failure;                             \
    }                                                                                                        \
    static_assert(true)

namespace {

using ibid::openssl::interposed::before_crl_write;
using ibid::openssl::interposed::before_write;

// What a decoder is given to fill in; null: it makes an object of its own.
template <class T>
[[nodiscard]] T* at(T** place) noexcept {
    return place != nullptr ? *place : nullptr;
}

[[nodiscard]] const ibid::openssl::functions* before_filling(const void* code, const X509_CRL* crl) noexcept {
    return crl != nullptr ? before_crl_write(code, crl) : ibid::openssl::interposed::before_call(code);
}

// An entry does not tell which CRL it belongs to.
[[nodiscard]] const ibid::openssl::functions* before_filling(const void* code,
                                                             const X509_REVOKED* entry) noexcept {
    return entry != nullptr ? before_crl_write(code, nullptr) : ibid::openssl::interposed::before_call(code);
}

} // namespace

#pragma GCC visibility push(default)
extern "C" {

IBID_SETTER(int, X509_set_version, (X509 * x, long version), x, (x, version), 0);
IBID_SETTER(int, X509_set_serialNumber, (X509 * x, ASN1_INTEGER* serial), x, (x, serial), 0);
IBID_SETTER(int, X509_set_issuer_name, (X509 * x, const X509_NAME* name), x, (x, name), 0);
IBID_SETTER(int, X509_set_subject_name, (X509 * x, const X509_NAME* name), x, (x, name), 0);
IBID_SETTER(int, X509_set1_notBefore, (X509 * x, const ASN1_TIME* time), x, (x, time), 0);
IBID_SETTER(int, X509_set1_notAfter, (X509 * x, const ASN1_TIME* time), x, (x, time), 0);
IBID_SETTER(int, X509_set_pubkey, (X509 * x, EVP_PKEY* key), x, (x, key), 0);
IBID_SETTER(void, X509_set0_distinguishing_id, (X509 * x, ASN1_OCTET_STRING* id), x, (x, id), void());
IBID_SETTER(int, X509_sign, (X509 * x, EVP_PKEY* key, const EVP_MD* digest), x, (x, key, digest), 0);
IBID_SETTER(int, X509_sign_ctx, (X509 * x, EVP_MD_CTX* context), x, (x, context), 0);
IBID_SETTER(int, X509_add_ext, (X509 * x, X509_EXTENSION* extension, int place), x, (x, extension, place), 0);
IBID_SETTER(int, X509_add1_ext_i2d, (X509 * x, int nid, void* value, int critical, unsigned long flags), x,
            (x, nid, value, critical, flags), 0);
IBID_SETTER(X509_EXTENSION*, X509_delete_ext, (X509 * x, int place), x, (x, place), nullptr);
IBID_SETTER(int, X509_alias_set1, (X509 * x, const unsigned char* name, int length), x, (x, name, length), 0);
IBID_SETTER(int, X509_keyid_set1, (X509 * x, const unsigned char* id, int length), x, (x, id, length), 0);
IBID_SETTER(int, X509_add1_trust_object, (X509 * x, const ASN1_OBJECT* object), x, (x, object), 0);
IBID_SETTER(int, X509_add1_reject_object, (X509 * x, const ASN1_OBJECT* object), x, (x, object), 0);
IBID_SETTER(void, X509_trust_clear, (X509 * x), x, (x), void());
IBID_SETTER(void, X509_reject_clear, (X509 * x), x, (x), void());
IBID_SETTER(void, X509_set_proxy_flag, (X509 * x), x, (x), void());
IBID_SETTER(void, X509_set_proxy_pathlen, (X509 * x, long length), x, (x, length), void());
IBID_SETTER(int, X509V3_EXT_add_conf,
            (LHASH_OF(CONF_VALUE) * configuration, X509V3_CTX* context, const char* section, X509* x), x,
            (configuration, context, section, x), 0);
IBID_SETTER(int, X509V3_EXT_add_nconf,
            (CONF * configuration, X509V3_CTX* context, const char* section, X509* x), x,
            (configuration, context, section, x), 0);
IBID_SETTER(int, X509_set_ex_data, (X509 * x, int index, void* data), x, (x, index, data), 0);
IBID_SETTER(int, i2d_re_X509_tbs, (X509 * x, unsigned char** out), x, (x, out), -1);

IBID_CRL_SETTER(int, X509_CRL_set_version, (X509_CRL * crl, long version), crl, (crl, version), 0);
IBID_CRL_SETTER(int, X509_CRL_set_issuer_name, (X509_CRL * crl, const X509_NAME* name), crl, (crl, name), 0);
IBID_CRL_SETTER(int, X509_CRL_set1_lastUpdate, (X509_CRL * crl, const ASN1_TIME* time), crl, (crl, time), 0);
IBID_CRL_SETTER(int, X509_CRL_set1_nextUpdate, (X509_CRL * crl, const ASN1_TIME* time), crl, (crl, time), 0);
IBID_CRL_SETTER(int, X509_CRL_sort, (X509_CRL * crl), crl, (crl), 0);
IBID_CRL_SETTER(int, X509_CRL_add0_revoked, (X509_CRL * crl, X509_REVOKED* revoked), crl, (crl, revoked), 0);
IBID_CRL_SETTER(int, X509_CRL_sign, (X509_CRL * crl, EVP_PKEY* key, const EVP_MD* digest), crl,
                (crl, key, digest), 0);
IBID_CRL_SETTER(int, X509_CRL_sign_ctx, (X509_CRL * crl, EVP_MD_CTX* context), crl, (crl, context), 0);
IBID_CRL_SETTER(int, X509_CRL_add_ext, (X509_CRL * crl, X509_EXTENSION* extension, int place), crl,
                (crl, extension, place), 0);
IBID_CRL_SETTER(int, X509_CRL_add1_ext_i2d,
                (X509_CRL * crl, int nid, void* value, int critical, unsigned long flags), crl,
                (crl, nid, value, critical, flags), 0);
IBID_CRL_SETTER(X509_EXTENSION*, X509_CRL_delete_ext, (X509_CRL * crl, int place), crl, (crl, place),
                nullptr);
IBID_CRL_SETTER(void, X509_CRL_set_meth_data, (X509_CRL * crl, void* data), crl, (crl, data), void());
IBID_CRL_SETTER(int, i2d_re_X509_CRL_tbs, (X509_CRL * crl, unsigned char** out), crl, (crl, out), -1);

// An entry does not tell which CRL it belongs to, and a method belongs to all that are parsed from now on.
IBID_CRL_SETTER(void, X509_CRL_set_default_method, (const X509_CRL_METHOD* method), nullptr, (method),
                void());
IBID_CRL_SETTER(int, X509_REVOKED_set_serialNumber, (X509_REVOKED * revoked, ASN1_INTEGER* serial), nullptr,
                (revoked, serial), 0);
IBID_CRL_SETTER(int, X509_REVOKED_set_revocationDate, (X509_REVOKED * revoked, ASN1_TIME* time), nullptr,
                (revoked, time), 0);
IBID_CRL_SETTER(int, X509_REVOKED_add_ext, (X509_REVOKED * revoked, X509_EXTENSION* extension, int place),
                nullptr, (revoked, extension, place), 0);
IBID_CRL_SETTER(int, X509_REVOKED_add1_ext_i2d,
                (X509_REVOKED * revoked, int nid, void* value, int critical, unsigned long flags), nullptr,
                (revoked, nid, value, critical, flags), 0);
IBID_CRL_SETTER(X509_EXTENSION*, X509_REVOKED_delete_ext, (X509_REVOKED * revoked, int place), nullptr,
                (revoked, place), nullptr);

IBID_CRL_FILLER(X509_REVOKED*, d2i_X509_REVOKED, (X509_REVOKED * *entry, const unsigned char** in, long size),
                at(entry), (entry, in, size), nullptr);

// Here a program may give a CRL, or none.
IBID_CRL_FILLER(int, X509V3_EXT_CRL_add_conf,
                (LHASH_OF(CONF_VALUE) * configuration, X509V3_CTX* context, const char* section,
                 X509_CRL* crl),
                crl, (configuration, context, section, crl), 0);
IBID_CRL_FILLER(int, X509V3_EXT_CRL_add_nconf,
                (CONF * configuration, X509V3_CTX* context, const char* section, X509_CRL* crl), crl,
                (configuration, context, section, crl), 0);
IBID_CRL_FILLER(X509_CRL*, d2i_X509_CRL, (X509_CRL * *crl, const unsigned char** in, long size), at(crl),
                (crl, in, size), nullptr);
IBID_CRL_FILLER(X509_CRL*, d2i_X509_CRL_bio, (BIO * in, X509_CRL** crl), at(crl), (in, crl), nullptr);
IBID_CRL_FILLER(X509_CRL*, d2i_X509_CRL_fp, (std::FILE * in, X509_CRL** crl), at(crl), (in, crl), nullptr);
IBID_CRL_FILLER(X509_CRL*, PEM_read_X509_CRL, (std::FILE * in, X509_CRL** crl, pem_password_cb* ask, void* u),
                at(crl), (in, crl, ask, u), nullptr);
IBID_CRL_FILLER(X509_CRL*, PEM_read_bio_X509_CRL, (BIO * in, X509_CRL** crl, pem_password_cb* ask, void* u),
                at(crl), (in, crl, ask, u), nullptr);

} // extern "C"
#pragma GCC visibility pop
