// SPDX-License-Identifier: Apache-2.0
#include "certificate_weight.h"

#include <cstdint>
#include <cstring>

#include "der.h"

namespace ibid::openssl {

namespace {

using octets = std::span<const unsigned char>;

// Sums the weight; an unreadable part makes the whole result invalid.
class scale {
public:
    void add(std::size_t bytes) noexcept { sum_ += bytes; }
    void add_block(std::size_t size) noexcept { sum_ += heap_block(size); }
    // A separate ASN1_STRING, with a terminating zero after the data.
    void add_string(std::size_t size) noexcept { sum_ += string_object + heap_block(size + 1); }
    // A stack's memory for each pointer; a stack grows by half of its size.
    void add_pointer() noexcept { sum_ += 12; }

    // The next element, which must have this tag.
    [[nodiscard]] octets take(octets& from, unsigned char tag) noexcept {
        der_element e{};
        if (!take_element(from, e) || e.tag != tag) {
            readable_ = false;
            from = {}; // so that a loop over all elements ends
            return {};
        }
        return e.content;
    }
    [[nodiscard]] der_element take(octets& from) noexcept {
        der_element e{};
        if (!take_element(from, e)) {
            readable_ = false;
            from = {};
        }
        return e;
    }

    [[nodiscard]] std::size_t total() const noexcept { return readable_ ? sum_ : too_heavy; }

private:
    static constexpr std::size_t string_object = 32;
    std::size_t sum_ = 0;
    bool readable_ = true;
};

constexpr unsigned char boolean_tag = 0x01;
constexpr unsigned char object_tag = 0x06;
constexpr unsigned char set_tag = 0x31;

// Attributes of X.520 and extensions of X.509 for which OpenSSL has a static object; other objects are
// allocated for each certificate.
[[nodiscard]] bool is_built_in(octets object) noexcept {
    if (object.size() != 3 || object[0] != 0x55) {
        return false;
    }
    constexpr std::uint64_t extensions =
        std::uint64_t{0x3bf9bfc000}; // 2.5.29.14 to 37, but for 22, 25, 26 and 34
    return object[1] == 0x04 ? object[2] >= 3 && object[2] <= 54
                             : object[1] == 0x1d && object[2] < 64 && (extensions >> object[2] & 1) != 0;
}

void weigh_object(scale& on, octets object) noexcept {
    if (!is_built_in(object)) {
        on.add_block(40);
        on.add_block(object.size());
    }
}

// A second copy of a string in UTF-8, which OpenSSL keeps for comparisons: 2 octets for one of T61String, 3
// for two of BMPString.
[[nodiscard]] std::size_t canonical_size(const der_element& value) noexcept {
    constexpr unsigned char t61_tag = 0x14;
    constexpr unsigned char bmp_tag = 0x1e;
    const std::size_t size = value.content.size();
    return value.tag == t61_tag ? 2 * size : value.tag == bmp_tag ? size + size / 2 : size;
}

// `rdns`: the content of a Name.
void weigh_name(scale& on, octets rdns) noexcept {
    on.add(48 + 48 + 48 + 48); // the name, its buffer, a stack and that one's pointers
    on.add_block((rdns.size() + 4 + 3) / 3 * 4);
    std::size_t canonical = 0;
    while (!rdns.empty()) {
        octets set = on.take(rdns, set_tag);
        canonical += 4;
        while (!set.empty()) {
            octets attribute = on.take(set, sequence_tag);
            const octets object = on.take(attribute, object_tag);
            const der_element value = on.take(attribute);
            on.add_pointer();
            on.add_block(24);
            on.add_string(value.content.size());
            weigh_object(on, object);
            canonical += 6 + object.size() + canonical_size(value);
        }
    }
    on.add_block(canonical);
}

// `names`: the content of GeneralNames. Source of the tags: RFC 5280, 4.2.1.6.
void weigh_general_names(scale& on, octets names) noexcept {
    constexpr unsigned char other_name = 0xa0;
    constexpr unsigned char directory_name = 0xa4;
    constexpr unsigned char edi_party_name = 0xa5;
    constexpr unsigned char registered_id = 0x88;
    while (!names.empty()) {
        der_element name = on.take(names);
        on.add_pointer();
        on.add_block(16);
        if (name.tag == directory_name) {
            weigh_name(on, on.take(name.content, sequence_tag));
        } else {
            on.add_string(name.content.size());
            if (name.tag == other_name) {
                on.add(160); // an object that OpenSSL may not know, and a value
            } else if (name.tag == edi_party_name) {
                on.add(96);
            } else if (name.tag == registered_id) {
                on.add(24); // an object, which is a little larger than a string
            }
        }
    }
}

// What OpenSSL decodes and keeps at the first use of a certificate (x509v3_cache_extensions), or at its first
// policy check (pcy_cache.c). `id`: the number after 2.5.29.
void weigh_decoded(scale& on, unsigned char id, octets value) noexcept {
    switch (id) {
    case 0x0e: // subjectKeyIdentifier
        on.add_string(value.size());
        break;
    case 0x11: // subjectAltName
        on.add(48 + 48);
        weigh_general_names(on, on.take(value, sequence_tag));
        break;
    case 0x1e: { // nameConstraints
        octets both = on.take(value, sequence_tag);
        on.add(32);
        while (!both.empty()) {
            octets subtrees = on.take(both).content;
            on.add(48 + 48);
            while (!subtrees.empty()) {
                octets subtree = on.take(subtrees, sequence_tag);
                on.add_pointer();
                on.add_block(24);
                const octets all = subtree;
                (void)on.take(subtree);
                weigh_general_names(on, all.first(all.size() - subtree.size()));
            }
        }
        break;
    }
    case 0x1f: { // cRLDistributionPoints
        octets points = on.take(value, sequence_tag);
        on.add(48 + 48);
        while (!points.empty()) {
            octets point = on.take(points, sequence_tag);
            on.add_pointer();
            on.add_block(32);
            while (!point.empty()) { // distributionPoint, reasons, cRLIssuer
                der_element part = on.take(point);
                on.add(32 + 48 + 48);
                if (part.tag == 0xa0) {
                    weigh_general_names(on, on.take(part.content).content);
                } else if (part.tag == 0xa2) {
                    weigh_general_names(on, part.content);
                } else {
                    on.add_string(part.content.size());
                }
            }
        }
        break;
    }
    case 0x20: { // certificatePolicies
        octets policies = on.take(value, sequence_tag);
        on.add(48 + 48 + 48);
        while (!policies.empty()) {
            octets policy = on.take(policies, sequence_tag);
            on.add_pointer();
            on.add(48 + 48 + 48); // the policy's data, and what it is expected to be
            weigh_object(on, on.take(policy, object_tag));
            on.add(3 * policy.size()); // qualifiers
        }
        break;
    }
    case 0x21: { // policyMappings
        octets mappings = on.take(value, sequence_tag);
        while (!mappings.empty()) {
            on.add(48 + 48 + 48 + 48 + 2 * on.take(mappings, sequence_tag).size());
        }
        break;
    }
    case 0x23: { // authorityKeyIdentifier
        octets parts = on.take(value, sequence_tag);
        on.add(32);
        while (!parts.empty()) {
            const der_element part = on.take(parts);
            if (part.tag == 0xa1) {
                on.add(48 + 48);
                weigh_general_names(on, part.content);
            } else {
                on.add_string(part.content.size());
            }
        }
        break;
    }
    default:
        break;
    }
}

// Internet resources (RFC 3779), which OpenSSL also decodes: a part of a structure for each element.
void weigh_resources(scale& on, octets rest) noexcept {
    constexpr unsigned char constructed = 0x20;
    while (!rest.empty()) {
        const unsigned char* const end = rest.data() + rest.size();
        const der_element e = on.take(rest);
        on.add_pointer();
        if ((e.tag & constructed) != 0) {
            on.add(32);
            rest = {e.content.data(), end}; // its parts come next
        } else {
            on.add_block(16);
            on.add_string(e.content.size());
        }
    }
}

void weigh_extension(scale& on, octets extension) noexcept {
    constexpr unsigned char octet_string_tag = 0x04;
    constexpr unsigned char resources[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01};
    on.add_pointer();
    on.add_block(40);
    const octets object = on.take(extension, object_tag);
    weigh_object(on, object);
    der_element value = on.take(extension);
    if (value.tag == boolean_tag) {
        value = on.take(extension);
    }
    on.add_string(value.content.size());
    if (value.tag != octet_string_tag) {
        return;
    }
    if (object.size() == 3 && object[0] == 0x55 && object[1] == 0x1d) {
        weigh_decoded(on, object[2], value.content);
    } else if (object.size() == sizeof resources + 1 && (object.back() == 7 || object.back() == 8) &&
               std::memcmp(object.data(), resources, sizeof resources) == 0) {
        weigh_resources(on, value.content);
    }
}

// The encoded key, the provider's key, and what a verification stores in it: for an RSA key several copies of
// the modulus, for an elliptic curve key the curve.
void weigh_key(scale& on, octets key_info) noexcept {
    constexpr unsigned char elliptic[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
    constexpr std::size_t on_a_curve = 1750;
    constexpr std::size_t otherwise = 500;
    const std::size_t size = key_info.size();
    octets algorithm = on.take(key_info, sequence_tag);
    const octets object = on.take(algorithm, object_tag);
    const bool curve =
        object.size() == sizeof elliptic && std::memcmp(object.data(), elliptic, sizeof elliptic) == 0;
    on.add((curve ? on_a_curve : otherwise) + 5 * size);
}

} // namespace

std::size_t certificate_weight(octets der) noexcept {
    constexpr unsigned char version_tag = 0xa0;
    constexpr unsigned char extensions_tag = 0xa3;
    constexpr unsigned char integer_tag = 0x02;
    constexpr std::size_t any_certificate = 1000; // the structure, its lock, dates, algorithms, ex_data
    scale on;
    on.add(any_certificate);
    octets whole = on.take(der, sequence_tag);
    octets tbs = on.take(whole, sequence_tag);
    on.add_block(tbs.size() + 8); // OpenSSL keeps the bytes that were signed
    (void)on.take(whole, sequence_tag);
    on.add_block(on.take(whole).content.size());
    if (!tbs.empty() && tbs[0] == version_tag) {
        (void)on.take(tbs);
    }
    on.add_block(on.take(tbs, integer_tag).size());
    (void)on.take(tbs, sequence_tag); // the signature's algorithm
    weigh_name(on, on.take(tbs, sequence_tag));
    (void)on.take(tbs, sequence_tag); // the dates
    weigh_name(on, on.take(tbs, sequence_tag));
    weigh_key(on, on.take(tbs, sequence_tag));
    while (!tbs.empty()) {
        der_element part = on.take(tbs);
        if (part.tag != extensions_tag) {
            on.add_string(part.content.size());
            continue;
        }
        on.add(48 + 48);
        octets extensions = on.take(part.content, sequence_tag);
        while (!extensions.empty()) {
            weigh_extension(on, on.take(extensions, sequence_tag));
        }
    }
    return on.total();
}

} // namespace ibid::openssl
