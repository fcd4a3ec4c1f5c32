// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL's error queue around calls of ibid's own.
//
// Law: no error outlives either kind of scope that was not there before it.
#pragma once

#include <openssl/err.h>

#include "functions.h"

namespace ibid::openssl {

// Takes back whatever errors come up during its life.
struct errors_as_before {
    const functions& f;
    explicit errors_as_before(const functions& of) noexcept : f(of) { f.ERR_set_mark(); }
    errors_as_before(const errors_as_before&) = delete;
    errors_as_before& operator=(const errors_as_before&) = delete;
    ~errors_as_before() { f.ERR_pop_to_mark(); }
};

// Errors that OpenSSL puts into the queue meanwhile, and which are taken back. A CRL that is read can leave some: its
// extensions are decoded at once, and a faulty one does not make it fail.
class unseen_errors {
public:
    explicit unseen_errors(const functions& f) noexcept : f_(f), some_before_(f.ERR_peek_error() != 0) {
        if (some_before_) { // the program's: so that they can be told from those to come
            f.ERR_set_mark();
            f.ERR_new();
            f.ERR_set_error(ERR_LIB_USER, bottom, nullptr);
        }
    }
    unseen_errors(const unseen_errors&) = delete;
    unseen_errors& operator=(const unseen_errors&) = delete;
    ~unseen_errors() {
        if (some_before_) {
            f_.ERR_pop_to_mark();
        } else {
            f_.ERR_clear_error();
        }
    }

    // Also when OpenSSL has cleared the queue.
    [[nodiscard]] bool none() const noexcept {
        const unsigned long last = f_.ERR_peek_last_error();
        return last == 0 || last == static_cast<unsigned long>(ERR_PACK(ERR_LIB_USER, 0, bottom));
    }

private:
    static constexpr int bottom = 0x1b1d;
    const functions& f_;
    const bool some_before_;
};

} // namespace ibid::openssl
