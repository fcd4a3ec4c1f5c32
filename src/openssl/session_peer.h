// SPDX-License-Identifier: Apache-2.0
//
// The peer's certificate that comes out of a TLS session: a ticket, a session cache, d2i_SSL_SESSION.
//
// libssl decodes a session with ASN1_item_d2i on a template of its own, which names the certificate's type by a call to
// X509_it(). While that decoding runs, X509_it() answers, on this thread, with a type whose decoder looks into the cache.
//
// Law: what the decoder gives is what OpenSSL's own gives: on any doubt and on every failure OpenSSL's own runs, and its
// errors are the ones that are seen. Source: ASN1_EXTERN_FUNCS in openssl/asn1t.h.
#pragma once

#include <openssl/types.h>

namespace ibid::openssl {

// In place of X509_it() while thread_scope::session_peers is set.
[[nodiscard]] const ASN1_ITEM* session_peer_item() noexcept;

} // namespace ibid::openssl
