// SPDX-License-Identifier: Apache-2.0
//
// What a certificate takes of the heap once OpenSSL has parsed, used and verified it, estimated from its DER.
//
// Law: never less than nine tenths of what the allocator gives out, whatever the shape; for certificates as
// authorities issue them at most half as much again. What cannot be read counts as too large for any budget.
// One pass over the bytes, no allocation, no call.
//
// OpenSSL tells nobody how large an object is, and size in DER says little: a name of three octets in
// subjectAltName takes a hundred, an empty extension a hundred and eighty. The constants are those of glibc's
// malloc and OpenSSL 3.0 on a machine of 64 bits; tests/unit/openssl/certificate_weight_test.cpp measures
// them.
#pragma once

#include <cstddef>
#include <limits>
#include <span>

namespace ibid::openssl {

inline constexpr std::size_t too_heavy = std::numeric_limits<std::size_t>::max();

// Of one block of `size` bytes, with the allocator's own share.
[[nodiscard]] constexpr std::size_t heap_block(std::size_t size) noexcept {
    constexpr std::size_t header = 8;
    constexpr std::size_t granule = 16;
    constexpr std::size_t smallest = 32;
    const std::size_t whole = (size + header + granule - 1) / granule * granule;
    return whole < smallest ? smallest : whole;
}

// In bytes, without what ibid keeps beside it; or `too_heavy`.
[[nodiscard]] std::size_t certificate_weight(std::span<const unsigned char> der) noexcept;

} // namespace ibid::openssl
