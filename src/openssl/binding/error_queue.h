// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL's error queue around calls of ibid's own.
//
// Law: after the scope the queue has no error that was not there before it. The destructors call OpenSSL and
// are not noexcept: a thread may be cancelled in them.
#pragma once

#include <openssl/err.h>

#include "functions.h"

namespace ibid::openssl {

// Removes the errors that occur during its lifetime.
struct errors_as_before {
    const functions& f;
    explicit errors_as_before(const functions& of) : f(of) { f.ERR_set_mark(); }
    errors_as_before(const errors_as_before&) = delete;
    errors_as_before& operator=(const errors_as_before&) = delete;
    ~errors_as_before() noexcept(false) { f.ERR_pop_to_mark(); }
};

// Errors that OpenSSL adds during its lifetime, to be removed. Parsing a CRL can leave errors although it
// succeeds, because OpenSSL decodes the extensions at once and ignores faults in them. Requires an empty
// queue before: where OpenSSL removes its own errors, it may remove all.
class unseen_errors {
public:
    explicit unseen_errors(const functions& f) noexcept : f_(f) {}
    unseen_errors(const unseen_errors&) = delete;
    unseen_errors& operator=(const unseen_errors&) = delete;
    ~unseen_errors() noexcept(false) { f_.ERR_clear_error(); }

    [[nodiscard]] bool none() const { return f_.ERR_peek_last_error() == 0; }

private:
    const functions& f_;
};

} // namespace ibid::openssl
