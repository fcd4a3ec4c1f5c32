// SPDX-License-Identifier: Apache-2.0
#include "policy_extensions.h"

#include <algorithm>
#include <cstddef>

#include "der.h"

namespace ibid::openssl {

namespace {

using octets = std::span<const unsigned char>;

constexpr unsigned char integer_tag = 0x02;
constexpr unsigned char object_tag = 0x06;
constexpr std::size_t most_policies = 64;

[[nodiscard]] bool same(octets a, octets b) noexcept {
    return std::ranges::equal(a, b);
}

// The single element that `whole` consists of.
[[nodiscard]] bool is_all(octets whole, unsigned char tag, octets& content) noexcept {
    return take(whole, tag, content) && whole.empty();
}

// X.690, 8.19.2: each part of an object identifier begins with an octet that is not 0x80, and the last octet
// ends one.
[[nodiscard]] bool take_object(octets& from, octets& object) noexcept {
    if (!take(from, object_tag, object) || object.empty() || (object.back() & 0x80) != 0) {
        return false;
    }
    bool begins = true;
    for (const unsigned char c : object) {
        if (begins && c == 0x80) {
            return false;
        }
        begins = (c & 0x80) == 0;
    }
    return true;
}

// X.690, 8.3.2. Small, not negative.
[[nodiscard]] bool is_small_number(octets number) noexcept {
    return !number.empty() && number.size() <= 4 && number[0] < 0x80 &&
           (number.size() == 1 || number[0] != 0 || number[1] >= 0x80);
}

[[nodiscard]] bool is_any_policy(octets object) noexcept {
    constexpr unsigned char any_policy[] = {0x55, 0x1d, 0x20, 0x00};
    return same(object, any_policy);
}

// DisplayText (RFC 5280, 4.2.1.4): IA5String, VisibleString, BMPString, UTF8String.
[[nodiscard]] bool is_display_text(const der_element& text) noexcept {
    constexpr unsigned char bmp_tag = 0x1e;
    return text.tag == 0x16 || text.tag == 0x1a || text.tag == 0x0c ||
           (text.tag == bmp_tag && text.content.size() % 2 == 0);
}

[[nodiscard]] bool is_sound_reference(octets reference) noexcept {
    der_element organization{};
    octets numbers;
    if (!take_element(reference, organization) || !is_display_text(organization) ||
        !is_all(reference, sequence_tag, numbers)) {
        return false;
    }
    octets number;
    while (!numbers.empty()) {
        if (!take(numbers, integer_tag, number) || !is_small_number(number)) {
            return false;
        }
    }
    return true;
}

[[nodiscard]] bool is_sound_notice(octets notice) noexcept {
    der_element part{};
    octets reference = notice;
    if (octets content; take(reference, sequence_tag, content)) {
        if (!is_sound_reference(content)) {
            return false;
        }
        notice = reference;
    }
    return notice.empty() || (take_element(notice, part) && is_display_text(part) && notice.empty());
}

[[nodiscard]] bool is_sound_qualifier(octets qualifier) noexcept {
    constexpr unsigned char statement[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x02, 0x01}; // id-qt-cps
    constexpr unsigned char notice[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x02, 0x02};    // id-qt-unotice
    constexpr unsigned char ia5_tag = 0x16;
    octets object;
    octets content;
    if (!take_object(qualifier, object)) {
        return false;
    }
    if (same(object, statement)) {
        return is_all(qualifier, ia5_tag, content);
    }
    return same(object, notice) && is_all(qualifier, sequence_tag, content) && is_sound_notice(content);
}

[[nodiscard]] bool are_sound_qualifiers(octets qualifiers) noexcept {
    while (!qualifiers.empty()) {
        octets qualifier;
        if (!take(qualifiers, sequence_tag, qualifier) || !is_sound_qualifier(qualifier)) {
            return false;
        }
    }
    return true;
}

} // namespace

namespace {

// Whether `object` is one of the first `count` policies, which were found valid.
[[nodiscard]] bool is_among(octets policies, std::size_t count, octets object) noexcept {
    octets policy;
    octets other;
    while (count-- > 0 && take(policies, sequence_tag, policy) && take_object(policy, other)) {
        if (same(other, object)) {
            return true;
        }
    }
    return false;
}

} // namespace

// Parses the earlier policies again for each, because a list would use a kilobyte of a perhaps small stack.
bool are_sound_policies(octets certificate_policies) noexcept {
    octets policies;
    if (!is_all(certificate_policies, sequence_tag, policies) || policies.empty()) {
        return false;
    }
    const octets all = policies;
    for (std::size_t count = 0; !policies.empty(); ++count) {
        octets policy;
        octets object;
        octets qualifiers;
        if (count == most_policies || !take(policies, sequence_tag, policy) || !take_object(policy, object) ||
            (!policy.empty() &&
             (!is_all(policy, sequence_tag, qualifiers) || !are_sound_qualifiers(qualifiers)))) {
            return false;
        }
        if (is_among(all, count, object)) {
            return false;
        }
    }
    return true;
}

bool are_sound_mappings(octets policy_mappings) noexcept {
    octets mappings;
    if (!is_all(policy_mappings, sequence_tag, mappings) || mappings.empty()) {
        return false;
    }
    for (std::size_t count = 0; !mappings.empty(); ++count) {
        octets mapping;
        octets from;
        octets to;
        if (count == most_policies || !take(mappings, sequence_tag, mapping) || !take_object(mapping, from) ||
            !take_object(mapping, to) || !mapping.empty() || is_any_policy(from) || is_any_policy(to)) {
            return false;
        }
    }
    return true;
}

bool are_sound_constraints(octets policy_constraints) noexcept {
    constexpr unsigned char require_explicit_policy = 0x80;
    constexpr unsigned char inhibit_policy_mapping = 0x81;
    octets constraints;
    if (!is_all(policy_constraints, sequence_tag, constraints) || constraints.empty()) {
        return false;
    }
    octets number;
    for (const unsigned char tag : {require_explicit_policy, inhibit_policy_mapping}) {
        if (!constraints.empty() && constraints[0] == tag &&
            (!take(constraints, tag, number) || !is_small_number(number))) {
            return false;
        }
    }
    return constraints.empty();
}

bool is_sound_skip(octets inhibit_any_policy) noexcept {
    octets number;
    return is_all(inhibit_any_policy, integer_tag, number) && is_small_number(number);
}

} // namespace ibid::openssl
