// SPDX-License-Identifier: Apache-2.0
//
// Which certificates more than one holder may have.
//
// Law: one whose state OpenSSL completes later, from what is not in its bytes or with what it then tells one
// holder alone, is nobody's but its holder's. In doubt, too. No question here leaves an error behind; none is
// noexcept, as OpenSSL may run foreign code, and a thread may end in that.
#pragma once

#include <openssl/types.h>

#include "openssl/binding/functions.h"

namespace ibid::openssl {

// Asked of each certificate that is met.
//
// A certificate whose key OpenSSL could not decode keeps that failure for ever; the same bytes may parse
// better later, when another provider has been loaded. A key that lacks parameters (DSA, RFC 3279, 2.3.2)
// takes them from the chain that it is verified in, which writes to it. The size and strength of a key
// OpenSSL asks it once; where there was no memory for that, the key counts as worth nothing, and no chain
// verifies with it. And a key that an engine or another provider than OpenSSL's own holds may have a state
// there.
[[nodiscard]] bool has_plain_key(const functions& f, const X509* x);

// Also none, if they are there: that is two bytes more where the certificate is written out with them, and no
// getter tells.
[[nodiscard]] bool has_trust_settings(const functions& f, const X509* x);

// Asked when a certificate is about to be handed out a second time.
//
// False when OpenSSL, which looks at a certificate's extensions at their first use, finds a fault in them, or
// has no memory for it. It does so once for each object, and what it did not find out then, it never will; so
// one object for many would leave the others without the error, or would end with one connection's want of
// memory all that come after. False also when it would find a fault in those about policies at the first
// check of policies (policy_extensions.h).
[[nodiscard]] bool has_sound_extensions(const functions& f, X509* x);

} // namespace ibid::openssl
