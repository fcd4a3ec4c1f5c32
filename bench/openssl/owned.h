// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL's objects with owners, and its errors as exceptions.
//
// Law: the programs in this folder are independent of ibid. They use OpenSSL's public API like any
// application, so they measure what an application gets.
#pragma once

#include "testbed/tls/owned.h"

#include <openssl/err.h>

#include <stdexcept>
#include <string>

namespace bench {

using testbed::owned_bio;
using testbed::owned_context;
using testbed::owned_session;
using testbed::owned_ssl;
using testbed::owned_store;
using testbed::owned_x509;

[[noreturn]] inline void fail(const std::string& what) {
    char reason[256] = "no error of OpenSSL's";
    if (const unsigned long error = ERR_get_error(); error != 0)
        ERR_error_string_n(error, reason, sizeof reason);
    throw std::runtime_error(what + ": " + reason);
}

// Returns the result of an OpenSSL function; throws if it means failure (null, zero or less).
template <class T>
T* require(T* result, const char* what) {
    if (result == nullptr)
        fail(what);
    return result;
}

inline int require(int result, const char* what) {
    if (result <= 0)
        fail(what);
    return result;
}

} // namespace bench
