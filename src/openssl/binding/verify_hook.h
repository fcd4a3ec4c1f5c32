// SPDX-License-Identifier: Apache-2.0
//
// The one step of a verification that checks signatures and dates, as a public hook (X509_STORE_CTX_set_verify). While libssl
// verifies, a function of ibid's may stand there, which recognises a chain that OpenSSL's own step has accepted before.
//
// Law: a chain is accepted there only if OpenSSL's own step would accept it, and a refusal is always OpenSSL's own. All other
// steps (trust, revocation, names, policies, security levels) are OpenSSL's and run as ever. Argued in
// docs/decisions/0005-verify-memo.md; source: internal_verify in crypto/x509/x509_vfy.c, 3.0 to 3.6.
#pragma once

#include <openssl/x509_vfy.h>

#include "functions.h"

namespace ibid::openssl {

class verify_hook {
public:
    constexpr verify_hook() = default;

    // Asks a fresh X509_STORE_CTX what stands in its hooks when nobody has set them.
    explicit verify_hook(const functions& f);

    // OpenSSL's own step; null: nothing can be recognised.
    [[nodiscard]] X509_STORE_CTX_verify_fn openssls_own() const noexcept { return verify_; }

    // libssl shows a verification to nobody but the callbacks in it: where a program has any, OpenSSL alone does the work.
    [[nodiscard]] bool nobody_looks(const functions& f, const X509_STORE_CTX* verification) const;

private:
    X509_STORE_CTX_verify_fn verify_ = nullptr;
    X509_STORE_CTX_verify_cb callback_ = nullptr; // tells nobody
};

} // namespace ibid::openssl
