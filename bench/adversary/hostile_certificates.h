// SPDX-License-Identifier: Apache-2.0
//
// Certificates of an attacker: nearly all of them parse, and none verifies.
#pragma once

#include "hostile_peer.h"

#include <cstdint>
#include <filesystem>

namespace bench {

enum class attack {
    distinct,  // no two alike
    large,     // 1 MiB each, no two alike
    deep,      // chains of 60, no two certificates alike
    one_byte,  // an honest certificate with one bit changed, another one each time
    ber,       // no two alike, and their outermost length is not DER: too long, or indefinite
    colliding, // no two alike, and all with the same XXH3 as long as it has no secret
};

class hostile_certificates {
public:
    // `honest`: a PEM file that begins with the certificate whose likes are made.
    hostile_certificates(attack how, const std::filesystem::path& honest);

    // The chain of the n-th connection.
    [[nodiscard]] std::vector<byte_string> chain(std::uint64_t n) const;

private:
    [[nodiscard]] byte_string numbered(std::uint64_t n) const;

    attack how_;
    byte_string pattern_;
    std::size_t serial_ = 0; // where eight bytes of the serial number are in it
};

} // namespace bench
