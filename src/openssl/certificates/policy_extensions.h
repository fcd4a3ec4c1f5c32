// SPDX-License-Identifier: Apache-2.0
//
// The policy extensions, checked as OpenSSL will check them later.
//
// Why: OpenSSL decodes them in the first verification that checks policies, and notes a fault in the
// certificate (EXFLAG_INVALID_POLICY). All holders of a shared certificate would read that flag; in stock
// they would not.
//
// Law: true only if OpenSSL finds no fault (crypto/x509/pcy_cache.c and pcy_map.c: undecodable, empty, a
// policy twice, a mapping from or to anyPolicy, a negative number). Anything but plain DER in the forms of
// RFC 5280 (4.2.1.4, 4.2.1.5, 4.2.1.11, 4.2.1.14) counts as a fault, and so does an extension longer than
// authorities make it.
#pragma once

#include <span>

namespace ibid::openssl {

// Each takes the content of the extension's OCTET STRING.
[[nodiscard]] bool are_sound_policies(std::span<const unsigned char> certificate_policies) noexcept;
[[nodiscard]] bool are_sound_mappings(std::span<const unsigned char> policy_mappings) noexcept;
[[nodiscard]] bool are_sound_constraints(std::span<const unsigned char> policy_constraints) noexcept;
[[nodiscard]] bool is_sound_skip(std::span<const unsigned char> inhibit_any_policy) noexcept;

} // namespace ibid::openssl
