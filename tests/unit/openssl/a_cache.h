// SPDX-License-Identifier: Apache-2.0
//
// For tests of the certificate cache: a cache for the libcrypto that this program is linked with, called
// directly.
#pragma once

#include <dlfcn.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

#include "certificates.h"
#include "openssl/certificates/certificate_cache.h"
#include "this_openssl.h"

namespace ibid::test {

// While it lives, memory allocated on this thread may leak: OpenSSL itself leaks, as in stock.
struct may_be_lost {
    may_be_lost() {
#if defined(__SANITIZE_ADDRESS__)
        __lsan_disable();
#endif
    }
    may_be_lost(const may_be_lost&) = delete;
    may_be_lost& operator=(const may_be_lost&) = delete;
    ~may_be_lost() {
#if defined(__SANITIZE_ADDRESS__)
        __lsan_enable();
#endif
    }
};

[[nodiscard]] inline const openssl::functions& linked_functions() {
    static const openssl::functions* const f = [] {
        auto* const all = new openssl::functions;
        void* const handle = dlopen(libcrypto_file, RTLD_LAZY | RTLD_NOLOAD);
        all->take_libcrypto([handle](const char* name) { return dlsym(handle, name); });
        // The tests have no providers of their own, so all providers count as built in.
        all->libcrypto = {nullptr, reinterpret_cast<const void*>(~std::uintptr_t{0})};
        return all;
    }();
    return *f;
}

// Never destroyed, because OpenSSL has its callbacks.
[[nodiscard]] inline openssl::certificate_cache& a_cache() {
    static auto* const cache = new openssl::certificate_cache(linked_functions(), {});
    return *cache;
}

[[nodiscard]] inline x509_ptr parse_in(openssl::certificate_cache& cache, const bytes& der) {
    const unsigned char* p = der.data();
    return x509_ptr(cache.parse(nullptr, &p, static_cast<long>(der.size()), {}, false));
}

[[nodiscard]] inline x509_ptr parse(const bytes& der) {
    return parse_in(a_cache(), der);
}

// Parsed by OpenSSL itself.
[[nodiscard]] inline x509_ptr fresh(const bytes& der) {
    const unsigned char* p = der.data();
    return x509_ptr(d2i_X509(nullptr, &p, static_cast<long>(der.size())));
}

// DER.
[[nodiscard]] inline bytes tlv(unsigned char tag, const bytes& content) {
    bytes out{tag};
    const std::size_t size = content.size();
    if (size >= 0x80) {
        out.push_back(size > 0xffff ? 0x83 : size > 0xff ? 0x82 : 0x81);
    }
    for (int shift = size > 0xffff ? 16 : size > 0xff ? 8 : 0; shift >= 0; shift -= 8) {
        out.push_back(static_cast<unsigned char>(size >> shift));
    }
    out.insert(out.end(), content.begin(), content.end());
    return out;
}
[[nodiscard]] inline bytes text(const std::string& s) {
    return {s.begin(), s.end()};
}
[[nodiscard]] inline bytes join(std::initializer_list<bytes> parts) {
    bytes all;
    for (const bytes& p : parts) {
        all.insert(all.end(), p.begin(), p.end());
    }
    return all;
}

// A leaf with the given extensions: object identifier, and contents of the OCTET STRING. `subject`: a Name in
// DER.
struct raw_extension {
    std::string object;
    bytes value;
};
[[nodiscard]] inline x509_ptr make_raw(const authority& issuer, EVP_PKEY* key,
                                       const std::vector<raw_extension>& extensions,
                                       const bytes& subject = {}) {
    x509_ptr x(X509_new());
    X509_set_version(x.get(), X509_VERSION_3);
    static long serial = 1'000'000;
    ASN1_INTEGER_set(X509_get_serialNumber(x.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x.get()), 86400);
    X509_set_issuer_name(x.get(), X509_get_subject_name(issuer.certificate.get()));
    if (!subject.empty()) {
        const unsigned char* p = subject.data();
        X509_NAME* const name = d2i_X509_NAME(nullptr, &p, static_cast<long>(subject.size()));
        check(name != nullptr && X509_set_subject_name(x.get(), name) == 1, "name");
        X509_NAME_free(name);
    }
    X509_set_pubkey(x.get(), key);
    for (const raw_extension& e : extensions) {
        ASN1_OBJECT* const object = OBJ_txt2obj(e.object.c_str(), 1);
        ASN1_OCTET_STRING* const value = ASN1_OCTET_STRING_new();
        ASN1_OCTET_STRING_set(value, e.value.data(), static_cast<int>(e.value.size()));
        X509_EXTENSION* const made = X509_EXTENSION_create_by_OBJ(nullptr, object, 0, value);
        check(X509_add_ext(x.get(), made, -1) == 1, "extension");
        X509_EXTENSION_free(made);
        ASN1_OCTET_STRING_free(value);
        ASN1_OBJECT_free(object);
    }
    check(X509_sign(x.get(), issuer.key.get(), EVP_sha256()) > 0, "sign");
    return x;
}

} // namespace ibid::test
