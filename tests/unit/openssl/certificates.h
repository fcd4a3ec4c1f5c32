// SPDX-License-Identifier: Apache-2.0
//
// Certificates for tests, made with OpenSSL's own API: keys, a root, leaves, CRLs. Small keys of P-256, so that making
// them costs nothing.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace ibid::test {

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* t) const noexcept {
        Free(t);
    }
};
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using x509_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using crl_ptr = std::unique_ptr<X509_CRL, freed_by<X509_CRL_free>>;
using store_ptr = std::unique_ptr<X509_STORE, freed_by<X509_STORE_free>>;
using bytes = std::vector<unsigned char>;

inline void check(bool ok, const char* what) {
    if (!ok) {
        throw std::runtime_error(what);
    }
}

[[nodiscard]] inline key_ptr make_key() {
    key_ptr key(EVP_EC_gen("P-256"));
    check(key != nullptr, "no key");
    return key;
}

struct authority {
    key_ptr key;
    x509_ptr certificate;
};

// Signed by `issuer`, or by itself when there is none. Each call gives a certificate of its own (another serial number).
[[nodiscard]] inline x509_ptr make_certificate(const std::string& name, EVP_PKEY* key,
                                               const authority* issuer, bool is_ca, long days = 30) {
    static long serial = 1;
    x509_ptr x(X509_new());
    check(X509_set_version(x.get(), X509_VERSION_3) == 1, "version");
    ASN1_INTEGER_set(X509_get_serialNumber(x.get()), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x.get()), days * 86400);
    X509_NAME* const subject = X509_get_subject_name(x.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(x.get(),
                         issuer != nullptr ? X509_get_subject_name(issuer->certificate.get()) : subject);
    X509_set_pubkey(x.get(), key);
    const auto add = [&](int nid, const std::string& value) {
        X509V3_CTX context;
        X509V3_set_ctx_nodb(&context);
        X509V3_set_ctx(&context, issuer != nullptr ? issuer->certificate.get() : x.get(), x.get(), nullptr,
                       nullptr, 0);
        X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
        check(extension != nullptr, "extension");
        X509_add_ext(x.get(), extension, -1);
        X509_EXTENSION_free(extension);
    };
    add(NID_basic_constraints, is_ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (!is_ca) {
        add(NID_subject_alt_name, "DNS:" + name);
    }
    check(X509_sign(x.get(), issuer != nullptr ? issuer->key.get() : key, EVP_sha256()) > 0, "sign");
    return x;
}

[[nodiscard]] inline authority make_authority(const std::string& name, const authority* issuer = nullptr) {
    authority a{make_key(), nullptr};
    a.certificate = make_certificate(name, a.key.get(), issuer, true);
    return a;
}

[[nodiscard]] inline bytes der_of(X509* x) {
    unsigned char* out = nullptr;
    const int size = i2d_X509(x, &out);
    check(size > 0, "i2d");
    bytes der(out, out + size);
    OPENSSL_free(out);
    return der;
}

[[nodiscard]] inline crl_ptr make_crl(const authority& issuer, int revoked) {
    crl_ptr crl(X509_CRL_new());
    X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(issuer.certificate.get()));
    ASN1_TIME* const now = X509_gmtime_adj(nullptr, 0);
    X509_CRL_set1_lastUpdate(crl.get(), now);
    X509_gmtime_adj(now, 86400);
    X509_CRL_set1_nextUpdate(crl.get(), now);
    for (int i = 0; i < revoked; ++i) {
        X509_REVOKED* const r = X509_REVOKED_new();
        ASN1_INTEGER* const serial = ASN1_INTEGER_new();
        ASN1_INTEGER_set(serial, 2'000'000'000L - i); // not in order, and nobody's
        X509_REVOKED_set_serialNumber(r, serial);
        X509_REVOKED_set_revocationDate(r, now);
        X509_CRL_add0_revoked(crl.get(), r);
        ASN1_INTEGER_free(serial);
    }
    ASN1_TIME_free(now);
    check(X509_CRL_sign(crl.get(), issuer.key.get(), EVP_sha256()) > 0, "sign CRL");
    return crl;
}

} // namespace ibid::test
