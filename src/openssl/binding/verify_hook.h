// SPDX-License-Identifier: Apache-2.0
//
// The step of a verification that checks signatures and dates. It is a public hook
// (X509_STORE_CTX_set_verify), so ibid can put a function there while libssl verifies. That function
// recognises chains that OpenSSL's own step has accepted before.
//
// Law: ibid's function accepts a chain only if OpenSSL's step would, and leaves every refusal to it. All
// other steps (trust, revocation, names, policies, security levels) are OpenSSL's. Why:
// docs/decisions/0005-verify-memo.md. Source: internal_verify in crypto/x509/x509_vfy.c, 3.0 to 3.6.
#pragma once

#include <openssl/x509_vfy.h>

#include "functions.h"

namespace ibid::openssl {

class verify_hook {
public:
    constexpr verify_hook() = default;

    // Reads the default hooks from a new X509_STORE_CTX.
    explicit verify_hook(const functions& f);

    // OpenSSL's own step; null: nothing can be recognised.
    [[nodiscard]] X509_STORE_CTX_verify_fn openssls_own() const noexcept { return verify_; }

    // Whether the program has no callback in this verification. A callback could see that a step was skipped.
    [[nodiscard]] bool is_unobserved(const functions& f, const X509_STORE_CTX* verification) const;

private:
    X509_STORE_CTX_verify_fn verify_ = nullptr;
    X509_STORE_CTX_verify_cb callback_ = nullptr; // the default, which does nothing
};

} // namespace ibid::openssl
