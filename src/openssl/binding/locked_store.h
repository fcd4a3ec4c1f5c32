// SPDX-License-Identifier: Apache-2.0
//
// A trust store's own lock, which protects its list of objects.
//
// Law: under this lock ibid only does what OpenSSL does under it: it reads the list and appends to it. It
// frees nothing.
#pragma once

#include <openssl/types.h>

#include "functions.h"

namespace ibid::openssl {

class locked_store {
public:
    locked_store(const functions& f, X509_STORE* store)
        : f_(f), store_(store), locked_(f.X509_STORE_lock(store) != 0) {}
    locked_store(const locked_store&) = delete;
    locked_store& operator=(const locked_store&) = delete;
    ~locked_store() noexcept(false) { unlock(); }

    [[nodiscard]] bool is_locked() const noexcept { return locked_; }
    void unlock() {
        if (locked_) {
            locked_ = false;
            f_.X509_STORE_unlock(store_);
        }
    }

private:
    const functions& f_;
    X509_STORE* const store_;
    bool locked_;
};

} // namespace ibid::openssl
