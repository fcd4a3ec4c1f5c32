// SPDX-License-Identifier: Apache-2.0
#include "outcome.h"

#include <openssl/x509v3.h>

namespace ibid::fuzz {

void outcome::bytes(const char* name, const void* data, std::size_t size) {
    std::uint64_t digest =
        0xcbf29ce484222325; // FNV-1a is enough: only the input is hostile, not the two processes
    const auto* const p = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < size; ++i) {
        digest = (digest ^ p[i]) * 0x100000001b3;
    }
    text_.append(name).append(" ").append(std::to_string(size)).append(":");
    text_.append(std::to_string(digest)).append("\n");
}

void outcome::errors() {
    const char* file = nullptr;
    const char* function = nullptr;
    const char* data = nullptr;
    int line = 0;
    int flags = 0;
    while (const unsigned long code = ERR_get_error_all(&file, &line, &function, &data, &flags)) {
        if (ERR_GET_REASON(code) == X509V3_R_INVALID_CERTIFICATE) {
            continue;
        }
        text_.append("error ").append(std::to_string(code)).append(" ").append(file).append(":");
        text_.append(std::to_string(line)).append(" ").append(function).append(" ");
        text_.append((flags & ERR_TXT_STRING) != 0 ? data : "").append("\n");
    }
}

void outcome::certificate(const char* name, X509* x) {
    text_.append("certificate ").append(name).append(x != nullptr ? "\n" : ": none\n");
    if (x == nullptr) {
        return;
    }
    for (const auto encode : {&i2d_X509, &i2d_X509_AUX}) {
        unsigned char* der = nullptr;
        const int size = encode(x, &der);
        bytes("  der", der, size > 0 ? static_cast<std::size_t>(size) : 0);
        OPENSSL_free(der);
    }
    number("  flags", X509_get_extension_flags(x));
    number("  usage", X509_get_key_usage(x));
    number("  version", X509_get_version(x));
    number("  signature", X509_get_signature_nid(x));
    number("  name",
           static_cast<long long>(X509_NAME_hash_ex(X509_get_subject_name(x), nullptr, nullptr, nullptr)));
    const EVP_PKEY* const key = X509_get0_pubkey(x);
    number("  key", key != nullptr ? EVP_PKEY_get_bits(key) : -1);
    int size = 0;
    const unsigned char* const alias = X509_alias_get0(x, &size);
    bytes("  alias", alias, alias != nullptr ? static_cast<std::size_t>(size) : 0);
    errors();
}

void outcome::crl(const char* name, X509_CRL* crl) {
    text_.append("crl ").append(name).append(crl != nullptr ? "\n" : ": none\n");
    if (crl != nullptr) {
        unsigned char* der = nullptr;
        const int size = i2d_X509_CRL(crl, &der);
        bytes("  der", der, size > 0 ? static_cast<std::size_t>(size) : 0);
        OPENSSL_free(der);
        errors();
    }
}

} // namespace ibid::fuzz
