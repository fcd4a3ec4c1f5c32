// SPDX-License-Identifier: Apache-2.0
//
// Functions on the DER bytes of a certificate. Sources: X.690, 8.1.3 and 10.1; RFC 5280, 4.2.1.9.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>

namespace ibid::openssl {

constexpr unsigned char sequence_tag = 0x30;

// One element of definite length (X.690, 8.1.3) with a tag of one octet.
struct der_element {
    unsigned char tag;
    std::span<const unsigned char> content;
};

// Removes the first element of `rest`. False: there is none of that kind.
[[nodiscard]] inline bool take_element(std::span<const unsigned char>& rest, der_element& element) noexcept {
    constexpr unsigned char long_tag = 0x1f;
    if (rest.size() < 2 || (rest[0] & long_tag) == long_tag) {
        return false;
    }
    std::size_t header = 2;
    std::size_t content = rest[1];
    if (content >= 0x80) {
        const std::size_t octets = content & 0x7f;
        if (octets == 0 || octets > 4 || rest.size() < 2 + octets) {
            return false;
        }
        content = 0;
        for (std::size_t i = 0; i < octets; ++i) {
            content = content << 8 | rest[2 + i];
        }
        header += octets;
    }
    if (content > rest.size() - header) {
        return false;
    }
    element = {rest[0], rest.subspan(header, content)};
    rest = rest.subspan(header + content);
    return true;
}

// Removes the first element of `from` and gives its content. False: it has another tag.
[[nodiscard]] inline bool take(std::span<const unsigned char>& from, unsigned char tag,
                               std::span<const unsigned char>& content) noexcept {
    der_element e{};
    if (!take_element(from, e) || e.tag != tag) {
        return false;
    }
    content = e.content;
    return true;
}

// The length of the certificate at the start of some bytes, from its outermost header.
//
// Law: an answer other than 0 is exactly what d2i_X509 would consume if it accepts the bytes. If this level
// is not plain DER (no SEQUENCE, indefinite or oversized length, more than there is) the result is 0, and
// OpenSSL decides.
[[nodiscard]] inline std::size_t sequence_extent(const unsigned char* bytes, std::size_t size) noexcept {
    std::span<const unsigned char> rest(bytes, size);
    der_element whole{};
    return take_element(rest, whole) && whole.tag == sequence_tag ? size - rest.size() : 0;
}

// Whether cRLDistributionPoints in the extension has a name relative to the CRL's issuer (RFC 5280,
// 4.2.1.13). An unreadable value counts as one.
[[nodiscard]] inline bool has_relative_name(std::span<const unsigned char> distribution_points) noexcept {
    constexpr unsigned char tagged_0 = 0xa0; // distributionPoint, and fullName in it
    der_element points{};
    if (!take_element(distribution_points, points) || points.tag != sequence_tag) {
        return true;
    }
    while (!points.content.empty()) {
        der_element point{};
        if (!take_element(points.content, point) || point.tag != sequence_tag) {
            return true;
        }
        der_element part{};
        while (!point.content.empty()) {
            if (!take_element(point.content, part)) {
                return true;
            }
            if (part.tag == tagged_0 && (part.content.empty() || part.content[0] != tagged_0)) {
                return true;
            }
        }
    }
    return false;
}

// Whether basicConstraints is not empty, as in the certificates of authorities; for others it is empty or
// missing. Only a heuristic for what is worth remembering; no result depends on it.
[[nodiscard]] inline bool looks_like_issuer(std::span<const unsigned char> der) noexcept {
    constexpr unsigned char basic_constraints[] = {0x55, 0x1d, 0x13};
    constexpr unsigned char critical[] = {0x01, 0x01, 0xff};
    auto rest = der;
    do {
        const void* const found = std::memchr(rest.data(), basic_constraints[0], rest.size());
        if (found == nullptr) {
            return false;
        }
        rest = rest.subspan(static_cast<std::size_t>(static_cast<const unsigned char*>(found) - rest.data()) +
                            1);
    } while (rest.size() < 2 || rest[0] != basic_constraints[1] || rest[1] != basic_constraints[2]);
    rest = rest.subspan(2);
    if (rest.size() >= sizeof critical && std::memcmp(rest.data(), critical, sizeof critical) == 0) {
        rest = rest.subspan(sizeof critical);
    }
    // OCTET STRING { SEQUENCE { something } }
    return rest.size() >= 4 && rest[0] == 0x04 && rest[2] == 0x30 && rest[3] != 0;
}

} // namespace ibid::openssl
