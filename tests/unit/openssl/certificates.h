// SPDX-License-Identifier: Apache-2.0
//
// Certificates for tests: keys, a root, leaves, CRLs. Small keys of P-256, so that making them costs nothing.
//
// Law: nothing here references a function that writes to certificates. Otherwise a program that includes this
// file would be a writer (src/openssl/modules/module_class.h), and would get no shared objects. Certificates
// are made elsewhere (support/pki/pki.h).
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/pki/pki.h"
#include "testbed/tls/owned.h"

namespace ibid::test {

using key_ptr = testbed::owned_key;
using x509_ptr = testbed::owned_x509;
using crl_ptr = testbed::owned_crl;
using store_ptr = testbed::owned_store;
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

[[nodiscard]] inline x509_ptr certificate_of(const bytes& der) {
    const unsigned char* p = der.data();
    x509_ptr x(d2i_X509(nullptr, &p, static_cast<long>(der.size())));
    check(x != nullptr, "certificate");
    return x;
}

template <class Encode>
[[nodiscard]] bytes encoded(Encode encode) {
    unsigned char* out = nullptr;
    const int size = encode(&out);
    check(size > 0, "i2d");
    bytes all(out, out + size);
    OPENSSL_free(out);
    return all;
}

[[nodiscard]] inline bytes der_of(const X509* x) {
    return encoded([&](unsigned char** out) { return i2d_X509(x, out); });
}

[[nodiscard]] inline ibid_pki_bytes view_of(const bytes& b) {
    return {b.data(), b.size()};
}

[[nodiscard]] inline bytes private_der_of(const EVP_PKEY* key) {
    return encoded([&](unsigned char** out) { return i2d_PrivateKey(key, out); });
}

struct certificate_options {
    long days = 30;
    // Beside basicConstraints and subjectAltName, as in a configuration file: {"keyUsage",
    // "critical,cRLSign"}.
    std::vector<std::pair<std::string, std::string>> extensions{};
    unsigned flags = 0; // ibid_pki_flags
};

// Signed by `issuer`, or by itself if there is none. Each call makes a different certificate (another serial
// number).
[[nodiscard]] inline bytes make_der(const std::string& name, EVP_PKEY* key, const authority* issuer,
                                    bool is_ca, const certificate_options& options = {}) {
    static std::atomic<long> serial{1};
    std::vector<std::pair<std::string, std::string>> extensions{
        {"basicConstraints", is_ca ? "critical,CA:TRUE" : "CA:FALSE"}};
    if (!is_ca) {
        extensions.emplace_back("subjectAltName", "DNS:" + name);
    }
    extensions.insert(extensions.end(), options.extensions.begin(), options.extensions.end());
    std::vector<const char*> texts;
    for (const auto& [what, value] : extensions) {
        texts.push_back(what.c_str());
        texts.push_back(value.c_str());
    }
    texts.push_back(nullptr);
    const bytes public_key = encoded([&](unsigned char** out) { return i2d_PUBKEY(key, out); });
    const bytes signer = private_der_of(issuer != nullptr ? issuer->key.get() : key);
    const bytes issuers = issuer != nullptr ? der_of(issuer->certificate.get()) : bytes();
    ibid_pki_request request{};
    request.name = name.c_str();
    request.key = view_of(public_key);
    request.issuer = issuer != nullptr ? view_of(issuers) : ibid_pki_bytes{};
    request.signer = view_of(signer);
    request.serial = serial++;
    request.days = options.days;
    request.extensions = texts.data();
    request.flags = options.flags;
    unsigned char* out = nullptr;
    const std::size_t size = ibid_pki_certificate(&request, &out);
    check(size > 0, "no certificate was made");
    bytes der(out, out + size);
    ibid_pki_free(out);
    return der;
}

[[nodiscard]] inline x509_ptr make_certificate(const std::string& name, EVP_PKEY* key,
                                               const authority* issuer, bool is_ca, long days = 30) {
    return certificate_of(make_der(name, key, issuer, is_ca, {.days = days}));
}

[[nodiscard]] inline authority make_authority(const std::string& name, const authority* issuer = nullptr) {
    authority a{make_key(), nullptr};
    a.certificate = make_certificate(name, a.key.get(), issuer, true);
    return a;
}

[[nodiscard]] inline std::string as_pem(const char* name, const bytes& der) {
    const testbed::owned_bio out(BIO_new(BIO_s_mem()));
    check(PEM_write_bio(out.get(), name, "", der.data(), static_cast<long>(der.size())) > 0, "write PEM");
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

// A CRL that lists these serial numbers in this order, in hexadecimal.
[[nodiscard]] inline bytes make_crl_der(const authority& issuer, const std::vector<std::string>& serials) {
    std::vector<const char*> texts;
    for (const std::string& serial : serials) {
        texts.push_back(serial.c_str());
    }
    texts.push_back(nullptr);
    const bytes certificate = der_of(issuer.certificate.get());
    const bytes signer = private_der_of(issuer.key.get());
    unsigned char* out = nullptr;
    const std::size_t size = ibid_pki_crl(view_of(certificate), view_of(signer), texts.data(), &out);
    check(size > 0, "no CRL was made");
    bytes der(out, out + size);
    ibid_pki_free(out);
    return der;
}

// Unsorted serial numbers, of no certificate.
[[nodiscard]] inline bytes make_crl_der(const authority& issuer, int revoked) {
    std::vector<std::string> serials;
    for (int i = 0; i < revoked; ++i) {
        char hex[16];
        std::snprintf(hex, sizeof hex, "%x", 2'000'000'000U - static_cast<unsigned>(i));
        serials.emplace_back(hex);
    }
    return make_crl_der(issuer, serials);
}

// d2i_X509_CRL can overwrite a store's CRL, so a program that references it and a getter of stored CRLs is a
// writer.
[[nodiscard]] inline crl_ptr crl_of(const bytes& der) {
    const std::string pem = as_pem(PEM_STRING_X509_CRL, der);
    const testbed::owned_bio in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    STACK_OF(X509_INFO)* const all = PEM_X509_INFO_read_bio(in.get(), nullptr, nullptr, nullptr);
    crl_ptr crl;
    if (sk_X509_INFO_num(all) == 1) {
        crl.reset(std::exchange(sk_X509_INFO_value(all, 0)->crl, nullptr));
    }
    sk_X509_INFO_pop_free(all, X509_INFO_free);
    check(crl != nullptr, "CRL");
    return crl;
}

[[nodiscard]] inline crl_ptr make_crl(const authority& issuer, int revoked) {
    return crl_of(make_crl_der(issuer, revoked));
}

} // namespace ibid::test
