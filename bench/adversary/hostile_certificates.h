// SPDX-License-Identifier: Apache-2.0
//
// An attacker's certificates: nearly all of them parse, and none verifies.
#pragma once

#include "hostile_peer.h"

#include <cstdint>
#include <filesystem>

namespace bench {

enum class attack {
    distinct,  // all different
    large,     // 1 MiB each, all different
    deep,      // chains of 60, all certificates different
    one_byte,  // an honest certificate with one bit changed, a different bit each time
    ber,       // all different, and their outermost length is not DER: too long, or indefinite
    colliding, // all different, and all with the same XXH3 hash under the default secret
};

class hostile_certificates {
public:
    // `honest`: a PEM file. The hostile certificates are variants of its first certificate.
    hostile_certificates(attack how, const std::filesystem::path& honest);

    // The chain of the n-th connection.
    [[nodiscard]] std::vector<byte_string> chain(std::uint64_t n) const;

private:
    [[nodiscard]] byte_string numbered(std::uint64_t n) const;

    attack how_;
    byte_string pattern_;
    std::size_t serial_ = 0; // the offset of eight bytes of the serial number in it
};

} // namespace bench
