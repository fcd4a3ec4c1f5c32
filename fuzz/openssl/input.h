// SPDX-License-Identifier: Apache-2.0
//
// The fuzzer's input: the first byte chooses a scene, the second one its variant, and the rest is for
// OpenSSL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "testbed/tls/handshake_bytes.h"

namespace ibid::fuzz {

struct input {
    std::uint8_t scene = 0;
    std::uint8_t how = 0;
    std::span<const unsigned char> payload;

    explicit input(std::span<const unsigned char> bytes) {
        if (bytes.size() >= 2) {
            scene = bytes[0];
            how = bytes[1];
            payload = bytes.subspan(2);
        }
    }

    // Some bits of `how`, as a number.
    [[nodiscard]] unsigned choice(unsigned at, unsigned bits) const noexcept {
        return how >> at & ((1U << bits) - 1);
    }
};

using testbed::byte_string;

} // namespace ibid::fuzz
