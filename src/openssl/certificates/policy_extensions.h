// SPDX-License-Identifier: Apache-2.0
//
// The extensions about policies, as a policy check reads them long after the parse.
//
// Why: OpenSSL decodes them when the first verification that checks policies comes by, and what it finds
// wrong it notes in the certificate (EXFLAG_INVALID_POLICY). Of a shared certificate all other holders would
// read that, and in stock they would not.
//
// Law: true only where OpenSSL finds nothing wrong (crypto/x509/pcy_cache.c and pcy_map.c: what does not
// decode, what is empty, a policy that stands there twice, a mapping from or to anyPolicy, a negative
// number). What is not plain DER of the forms that RFC 5280 gives (4.2.1.4, 4.2.1.5, 4.2.1.11, 4.2.1.14), or
// is longer than authorities make it, is left to OpenSSL, and counts as wrong.
#pragma once

#include <span>

namespace ibid::openssl {

// Each takes what stands in the extension's OCTET STRING.
[[nodiscard]] bool are_sound_policies(std::span<const unsigned char> certificate_policies) noexcept;
[[nodiscard]] bool are_sound_mappings(std::span<const unsigned char> policy_mappings) noexcept;
[[nodiscard]] bool are_sound_constraints(std::span<const unsigned char> policy_constraints) noexcept;
[[nodiscard]] bool is_sound_skip(std::span<const unsigned char> inhibit_any_policy) noexcept;

} // namespace ibid::openssl
