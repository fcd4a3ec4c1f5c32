// SPDX-License-Identifier: Apache-2.0
//
// What can be told of a CRL from its bytes alone. Sources: X.690, 8.1; RFC 5280, 5.1.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>

#include "der.h"

namespace ibid::openssl {

// OpenSSL sorts the list of revoked certificates when it first searches in it (X509_CRL_get0_by_serial), and a program that
// lists the entries afterwards sees that order. True: the list is in this order already, so that nobody sees the sort. Serial
// numbers are compared as OpenSSL compares them: by length first, then by bytes. Two that are equal are in no order, since a sort
// may exchange them.
[[nodiscard]] inline bool is_in_serial_order(std::span<const unsigned char> crl) noexcept {
    constexpr unsigned char integer_tag = 0x02;
    constexpr unsigned char utc_time_tag = 0x17;
    constexpr unsigned char generalized_time_tag = 0x18;
    const auto is_time = [](const der_element& e) {
        return e.tag == utc_time_tag || e.tag == generalized_time_tag;
    };
    der_element whole{};
    der_element list{};
    der_element part{};
    if (!take_element(crl, whole) || whole.tag != sequence_tag || !take_element(whole.content, list) ||
        list.tag != sequence_tag) {
        return false;
    }
    // version (optional), signature, issuer, thisUpdate, nextUpdate (optional), revokedCertificates (optional)
    if (!take_element(list.content, part) || (part.tag == integer_tag && !take_element(list.content, part)) ||
        part.tag != sequence_tag || !take_element(list.content, part) || part.tag != sequence_tag ||
        !take_element(list.content, part) || !is_time(part)) {
        return false;
    }
    do {
        if (list.content.empty()) {
            return true;
        }
        if (!take_element(list.content, part)) {
            return false;
        }
    } while (is_time(part));
    if (part.tag != sequence_tag) {
        return true; // extensions: there is no list
    }
    std::span<const unsigned char> before;
    while (!part.content.empty()) {
        der_element entry{};
        der_element serial{};
        if (!take_element(part.content, entry) || entry.tag != sequence_tag ||
            !take_element(entry.content, serial) || serial.tag != integer_tag || serial.content.empty() ||
            serial.content[0] >= 0x80) { // negative
            return false;
        }
        const bool padded = serial.content.size() > 1 && serial.content[0] == 0;
        const auto number = serial.content.subspan(padded ? 1 : 0);
        const bool higher = number.size() != before.size()
                                ? number.size() > before.size()
                                : std::memcmp(number.data(), before.data(), number.size()) > 0;
        if (!higher) {
            return false;
        }
        before = number;
    }
    return true;
}

// About what OpenSSL takes for a parsed CRL, in bytes. It keeps the bytes, and for each element a structure: 49 to 57 bytes, as
// measured with mallinfo2 on lists of 20,000 to 110,000 entries with short and long serial numbers and up to ten extensions.
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
