// SPDX-License-Identifier: Apache-2.0
//
// Estimates from the DER how much heap a certificate uses after OpenSSL has parsed, used and verified it.
//
// Law: at least nine tenths of the allocated memory, for any certificate; at most one and a half times as
// much for certificates as authorities issue them. An unreadable certificate counts as too large for any
// budget. One pass over the bytes, no allocation, no call.
//
// OpenSSL has no function for the size of an object, and the size in DER says little: a name of three octets
// in subjectAltName takes a hundred, an empty extension a hundred and eighty. The constants are those of
// glibc's malloc and OpenSSL 3.0 on a machine of 64 bits; tests/unit/openssl/certificate_weight_test.cpp
// measures them.
#pragma once

#include <cstddef>
#include <limits>
#include <span>

namespace ibid::openssl {

inline constexpr std::size_t too_heavy = std::numeric_limits<std::size_t>::max();

// The weight of one block of `size` bytes, including the allocator's overhead.
[[nodiscard]] constexpr std::size_t heap_block(std::size_t size) noexcept {
    constexpr std::size_t header = 8;
    constexpr std::size_t granule = 16;
    constexpr std::size_t smallest = 32;
    const std::size_t whole = (size + header + granule - 1) / granule * granule;
    return whole < smallest ? smallest : whole;
}

// In bytes, without ibid's own record; or `too_heavy`.
[[nodiscard]] std::size_t certificate_weight(std::span<const unsigned char> der) noexcept;

} // namespace ibid::openssl
