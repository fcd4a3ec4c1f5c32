// SPDX-License-Identifier: Apache-2.0
//
// Which certificates can be shared.
//
// Law: a certificate is not shared if OpenSSL completes its state later from anything but its bytes, or
// reports an error about it to one holder alone. In doubt it is not shared. No function here leaves an error
// in the queue; none is noexcept, because OpenSSL may run foreign code and a thread may end in it.
#pragma once

#include <openssl/types.h>

#include "openssl/binding/functions.h"

namespace ibid::openssl {

// Call once for each certificate. False if
//  - OpenSSL could not decode the key: the same bytes may decode later, with another provider;
//  - the key lacks parameters (DSA, RFC 3279, 2.3.2): a verification writes the chain's into it;
//  - OpenSSL had no memory when it computed the key's size and strength: they stay 0, and no chain verifies
//    with it;
//  - an engine or a provider other than OpenSSL's own holds the key, because the key may have state there.
[[nodiscard]] bool has_plain_key(const functions& f, const X509* x);

// False if OpenSSL does not know the algorithm of the signature: it remembers that at the first use of the
// extensions, and a provider may bring the algorithm later.
[[nodiscard]] bool has_known_signature(const functions& f, const X509* x);

// Also true for empty settings: the certificate is then two bytes longer when it is written with them, and no
// getter shows it.
[[nodiscard]] bool has_trust_settings(const functions& f, const X509* x);

// Call before a certificate is handed out a second time.
//
// OpenSSL reads the extensions once for each object, at their first use, and reports a fault then and never
// again. With one object for many holders, the others would not get that error; and if memory ran out for one
// connection, the extensions would be missing for all. So: false if OpenSSL finds a fault or has no memory.
// False also if it would find a fault in the policy extensions later (policy_extensions.h), and if there is
// an error in the queue: the examination could remove it.
[[nodiscard]] bool has_sound_extensions(const functions& f, X509* x);
// The same for a duplicate of a certificate whose extensions OpenSSL has read already. With errors in the
// queue it checks the original first: a duplicate of a valid certificate is valid, and then OpenSSL does not
// change the queue.
[[nodiscard]] bool has_sound_extensions(const functions& f, X509* duplicate, X509* original);

} // namespace ibid::openssl
