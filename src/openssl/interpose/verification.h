// SPDX-License-Identifier: Apache-2.0
//
// Verifications: which signatures need no second check, and which certificates deserve to be retained.
//
// Law: only pure functions of the two certificates are remembered (signature_memo.h), and for a peer's own
// certificate only if that reveals nothing to a stranger (IBID_PRIVACY, docs/safety.md). Dates, names,
// policies and revocation are OpenSSL's.
#pragma once

#include "openssl/instance/libcrypto.h"

namespace ibid::openssl::interpose {

// X509_verify, as libcrypto calls it for each link of a chain.
int verify_link(libcrypto& of, X509* subject, EVP_PKEY* issuer);

// X509_verify_cert. `chains`: this libcrypto's hook that recognizes known chains; null: not for this caller.
int verify_certificate(libcrypto& of, X509_STORE_CTX* verification, X509_STORE_CTX_verify_fn chains);

// That hook. It is set in the verification while libssl verifies.
int verify_chain(libcrypto& of, X509_STORE_CTX* verification);

} // namespace ibid::openssl::interpose
