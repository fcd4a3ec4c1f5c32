// SPDX-License-Identifier: Apache-2.0
//
// Owners of OpenSSL's objects, and the certificates that are the same for every input.
#pragma once

#include <openssl/pem.h>

#include <cstring>

#include "fixed.h"
#include "input.h"
#include "testbed/tls/owned.h"

namespace ibid::fuzz {

using testbed::owned_bio;
using testbed::owned_context;
using testbed::owned_session;
using testbed::owned_ssl;
using testbed::owned_store;
using testbed::owned_x509;

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
