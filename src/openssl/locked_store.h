// SPDX-License-Identifier: Apache-2.0
//
// A trust store's own lock, which protects its list of objects and, by ibid's convention, its ex_data.
#pragma once

#include <openssl/types.h>

#include "functions.h"

namespace ibid::openssl {

struct locked_store {
    const functions& f;
    X509_STORE* store;
    locked_store(const functions& of, X509_STORE* s) noexcept : f(of), store(s) { f.X509_STORE_lock(store); }
    locked_store(const locked_store&) = delete;
    locked_store& operator=(const locked_store&) = delete;
    ~locked_store() { f.X509_STORE_unlock(store); }
};

} // namespace ibid::openssl
