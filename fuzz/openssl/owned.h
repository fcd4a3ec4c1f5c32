// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL's objects with owners.
#pragma once

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstring>
#include <memory>

#include "fixed.h"
#include "input.h"

namespace ibid::fuzz {

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* t) const noexcept {
        Free(t);
    }
};
using owned_bio = std::unique_ptr<BIO, freed_by<BIO_free>>;
using owned_x509 = std::unique_ptr<X509, freed_by<X509_free>>;
using owned_store = std::unique_ptr<X509_STORE, freed_by<X509_STORE_free>>;
using owned_session = std::unique_ptr<SSL_SESSION, freed_by<SSL_SESSION_free>>;
using owned_context = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;
using owned_ssl = std::unique_ptr<SSL, freed_by<SSL_free>>;

[[nodiscard]] inline owned_bio reading(const void* data, std::size_t size) {
    return owned_bio(BIO_new_mem_buf(data, static_cast<int>(size)));
}

[[nodiscard]] inline byte_string content(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, data + size};
}

[[nodiscard]] inline byte_string der_of_pem(const char* pem) {
    const owned_bio in = reading(pem, std::strlen(pem));
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    PEM_read_bio(in.get(), &name, &header, &data, &size);
    const byte_string der(data, data + size);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    return der;
}

[[nodiscard]] inline const byte_string& fixed_leaf() {
    static const byte_string der = der_of_pem(fixed_leaf_pem);
    return der;
}

[[nodiscard]] inline const byte_string& fixed_root() {
    static const byte_string der = der_of_pem(fixed_root_pem);
    return der;
}

} // namespace ibid::fuzz
