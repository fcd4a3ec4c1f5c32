// SPDX-License-Identifier: Apache-2.0
//
// Offsets in OpenSSL's X509 for reading from outside. The struct is private to OpenSSL, but these parts have
// not changed from 3.0.2 to 4.0.3: the address and the length of the encoded TBSCertificate, whether that is
// out of date, and, at a fixed distance after these, the reference count.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ibid::cli::certs::x509_layout {

inline constexpr std::size_t encoding = 112;    // address, length, out of date: a word each
inline constexpr std::size_t count_behind = 80; // these 24; algorithm 16, signature 24, its strength 16
inline constexpr std::size_t tail = count_behind + 8;
inline constexpr std::size_t bytes = 208; // that are read
inline constexpr std::uint32_t most_references = std::uint32_t{1} << 30;
inline constexpr std::uint64_t smallest = 64; // TBSCertificate
inline constexpr std::uint64_t largest = std::uint64_t{1} << 20;

} // namespace ibid::cli::certs::x509_layout
