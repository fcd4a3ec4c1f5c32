// SPDX-License-Identifier: Apache-2.0
//
// Remembered signatures where X509_verify cannot be met: a libcrypto that is linked with -Bsymbolic checks the links of a
// chain by calls inside itself.
//
// What can be met there is X509_verify_cert, which libssl calls, and the public hook of the one step inside that checks
// signatures and dates (X509_STORE_CTX_set_verify). While libssl verifies, a function of ibid's stands in that hook. If OpenSSL's
// own step has accepted every link of this chain before, only the rest of the step is done: dates and key usage, by OpenSSL's
// public functions. In every other case OpenSSL's own step runs, and if it accepts, its links are remembered.
//
// Law: a chain is accepted here only if OpenSSL's own step would accept it, and a refusal is always OpenSSL's own. All other
// steps (trust, revocation, names, policies, security levels) are OpenSSL's and run as ever. Argued in
// docs/decisions/0005-verify-memo.md; source: internal_verify in crypto/x509/x509_vfy.c, 3.0 to 3.6.
#pragma once

#include <openssl/x509_vfy.h>

#include "functions.h"

namespace ibid::openssl {

class chain_links {
public:
    chain_links() = default;

    // Asks a fresh X509_STORE_CTX what stands in its hooks when nobody has set them.
    explicit chain_links(const functions& f) noexcept;

    // As X509_verify_cert(verification) for libssl, which shows `verification` to nobody but the callbacks in it: where a
    // program has any, OpenSSL alone does the work.
    [[nodiscard]] int verify(const functions& f, X509_STORE_CTX* verification) const;

    // OpenSSL's own step; null: nothing can be met.
    [[nodiscard]] X509_STORE_CTX_verify_fn openssls_own() const noexcept { return verify_; }

private:
    X509_STORE_CTX_verify_fn verify_ = nullptr;
    X509_STORE_CTX_verify_cb callback_ = nullptr; // tells nobody
};

} // namespace ibid::openssl
