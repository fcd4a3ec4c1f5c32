// SPDX-License-Identifier: Apache-2.0
#include "certificate_image.h"

#include <cstring>
#include <new>

#include "der.h"
#include "openssl/binding/uncancelled.h"

namespace ibid::openssl {

namespace {

using octets = std::span<const unsigned char>;

constexpr unsigned char integer_tag = 0x02;
constexpr unsigned char bit_string_tag = 0x03;
constexpr unsigned char octet_string_tag = 0x04;
constexpr unsigned char object_tag = 0x06;
constexpr unsigned char boolean_tag = 0x01;
constexpr unsigned char set_tag = 0x31;
constexpr std::uint32_t fixed_parts = 4; // serial number, two dates, public key

// Types whose content OpenSSL stores as in the DER: UTF8String, NumericString, PrintableString, T61String,
// IA5String, UniversalString, BMPString.
[[nodiscard]] bool is_text(unsigned char tag) noexcept {
    constexpr std::uint32_t texts =
        1U << 12 | 1U << 18 | 1U << 19 | 1U << 20 | 1U << 22 | 1U << 28 | 1U << 30;
    return tag < 32 && (texts >> tag & 1) != 0;
}

// Most parts are short, and there are some twenty of them; a function call for each would double the time.
[[nodiscard]] bool same_octets(const unsigned char* a, const unsigned char* b, std::size_t size) noexcept {
    constexpr std::size_t word = sizeof(std::uint64_t);
    if (size > 4 * word) {
        return std::memcmp(a, b, size) == 0;
    }
    std::uint64_t differ = 0;
    for (; size >= word; size -= word, a += word, b += word) {
        std::uint64_t x = 0;
        std::uint64_t y = 0;
        std::memcpy(&x, a, word);
        std::memcpy(&y, b, word);
        differ |= x ^ y;
    }
    for (; size > 0; --size, ++a, ++b) {
        differ |= static_cast<std::uint64_t>(*a ^ *b);
    }
    return differ == 0;
}

} // namespace

// Parses the certificate once, and passes each part to `note`. False: it has another layout.
struct certificate_image::layout {
    std::uint32_t in_issuer = 0;
    std::uint32_t in_subject = 0;
    std::uint32_t extensions = 0;

    template <class Note>
    [[nodiscard]] bool read(octets der, Note note) noexcept {
        constexpr unsigned char version_tag = 0xa0;
        constexpr unsigned char extensions_tag = 0xa3;
        octets whole;
        octets tbs;
        octets skipped;
        octets part;
        if (!take(der, sequence_tag, whole) || !take(whole, sequence_tag, tbs)) {
            return false;
        }
        if (!tbs.empty() && tbs[0] == version_tag && !take(tbs, version_tag, skipped)) {
            return false;
        }
        if (!take(tbs, integer_tag, part) || part.empty()) {
            return false;
        }
        const bool padded = part.size() > 1 && part[0] == 0; // OpenSSL stores only the number
        note(padded ? part.subspan(1) : part);
        octets issuer;
        octets dates;
        octets subject;
        octets key;
        if (!take(tbs, sequence_tag, skipped) || !take(tbs, sequence_tag, issuer) ||
            !take(tbs, sequence_tag, dates) || !take(tbs, sequence_tag, subject) ||
            !take(tbs, sequence_tag, key)) {
            return false;
        }
        for (int i = 0; i < 2; ++i) {
            der_element date{};
            if (!take_element(dates, date)) {
                return false;
            }
            note(date.content);
        }
        if (!read_name(issuer, in_issuer, note) || !read_name(subject, in_subject, note)) {
            return false;
        }
        // The first octet is the number of unused bits, which is 0 for keys.
        if (!take(key, sequence_tag, skipped) || !take(key, bit_string_tag, part) || part.empty() ||
            part[0] != 0) {
            return false;
        }
        note(part.subspan(1));
        while (!tbs.empty()) {
            der_element more{};
            if (!take_element(tbs, more) ||
                (more.tag == extensions_tag && !read_extensions(more.content, note))) {
                return false;
            }
        }
        return true;
    }

private:
    template <class Note>
    [[nodiscard]] static bool read_name(octets name, std::uint32_t& count, Note& note) noexcept {
        while (!name.empty()) {
            octets set;
            if (!take(name, set_tag, set)) {
                return false;
            }
            while (!set.empty()) {
                octets attribute;
                octets object;
                der_element value{};
                if (!take(set, sequence_tag, attribute) || !take(attribute, object_tag, object) ||
                    !take_element(attribute, value) || !is_text(value.tag)) {
                    return false;
                }
                note(value.content);
                ++count;
            }
        }
        return true;
    }

    template <class Note>
    [[nodiscard]] bool read_extensions(octets outer, Note& note) noexcept {
        octets all;
        if (!take(outer, sequence_tag, all)) {
            return false;
        }
        while (!all.empty()) {
            octets extension;
            octets part;
            if (!take(all, sequence_tag, extension) || !take(extension, object_tag, part) ||
                (!extension.empty() && extension[0] == boolean_tag && !take(extension, boolean_tag, part)) ||
                !take(extension, octet_string_tag, part)) {
                return false;
            }
            note(part);
            ++extensions;
        }
        return true;
    }
};

std::unique_ptr<certificate_image> certificate_image::make(octets der) noexcept {
    layout found;
    if (!found.read(der, [](octets) {})) {
        return nullptr;
    }
    const std::uint32_t count = fixed_parts + found.in_issuer + found.in_subject + found.extensions;
    const std::size_t bytes = sizeof(certificate_image) + count * sizeof(part) + der.size();
    const uncancelled all_of_this; // a program's malloc may be a cancellation point
    void* const memory = ::operator new(bytes, std::nothrow);
    if (memory == nullptr) {
        return nullptr;
    }
    std::unique_ptr<certificate_image> image(::new (memory) certificate_image);
    image->size_ = static_cast<std::uint32_t>(der.size());
    image->parts_ = count;
    image->in_issuer_ = found.in_issuer;
    image->in_subject_ = found.in_subject;
    part* next = const_cast<part*>(image->parts());
    (void)layout().read(der, [&](octets content) {
        *next++ = {static_cast<std::uint32_t>(content.data() - der.data()),
                   static_cast<std::uint32_t>(content.size())};
    });
    std::memcpy(next, der.data(), der.size());
    return image;
}

void certificate_image::operator delete(void* memory) noexcept { // NOLINT(misc-new-delete-overloads)
    ::operator delete(memory);
}

octets certificate_image::der() const noexcept {
    return {reinterpret_cast<const unsigned char*>(parts() + parts_), size_};
}

namespace {

// The public members of an ASN1_STRING in OpenSSL 3, which programs may write to (openssl/asn1.h).
struct string_layout {
    int length;
    int type;
    unsigned char* data;
    long flags;
};

// Whether type and flags are those of a string that was parsed and not written to. Two flags depend on how
// OpenSSL stores it. A time, a name and an extension end with a zero.
[[nodiscard]] bool is_as_parsed(const functions& f, const ASN1_STRING* string, int type,
                                bool ends_with_zero) {
    constexpr long bits_left = 0x08;          // ASN1_STRING_FLAG_BITS_LEFT, which 4.0 does not show
    constexpr long kept_so = 0x40 | 0x80;     // one type of several; part of another structure
    if (f.OpenSSL_version_num() >> 28 >= 4) { // not shown any more
        return f.ASN1_STRING_type(string) == type;
    }
    const auto* const s = reinterpret_cast<const string_layout*>(string);
    const long expected = type == V_ASN1_BIT_STRING ? bits_left : 0;
    return s->type == type && (s->flags & ~kept_so) == expected &&
           (!ends_with_zero || s->data[s->length] == 0);
}

} // namespace

bool certificate_image::has(const functions& f, const ASN1_STRING* string, const part& p) const {
    return string != nullptr && static_cast<std::uint32_t>(f.ASN1_STRING_length(string)) == p.size &&
           same_octets(f.ASN1_STRING_get0_data(string), der().data() + p.at, p.size);
}

// For a string whose tag precedes its length in the DER (X.690, 8.1.3).
bool certificate_image::has_text(const functions& f, const ASN1_STRING* string, const part& p) const {
    const std::uint32_t header = p.size < 0x80 ? 2 : p.size < 0x100 ? 3 : p.size < 0x10000 ? 4 : 5;
    return has(f, string, p) && is_as_parsed(f, string, der()[p.at - header], true);
}

// OpenSSL stores the absolute value of a negative number.
bool certificate_image::has_serial(const functions& f, const ASN1_INTEGER* serial, const part& p) const {
    const unsigned char* const bytes = der().data() + p.at;
    const bool negative =
        (bytes[0] & 0x80) != 0 && bytes[-1] != 0; // behind a zero it is not, nor behind a length of none
    if (serial == nullptr ||
        !is_as_parsed(f, serial, negative ? V_ASN1_NEG_INTEGER : V_ASN1_INTEGER, false)) {
        return false;
    }
    if (!negative) {
        return has(f, serial, p);
    }
    const unsigned char* const amount = f.ASN1_STRING_get0_data(serial);
    std::uint32_t left = static_cast<std::uint32_t>(f.ASN1_STRING_length(serial));
    unsigned carry = 1;
    for (std::uint32_t i = p.size; i-- > 0;) {
        const unsigned digit = (bytes[i] ^ 0xffU) + carry;
        carry = digit >> 8;
        if (left > 0 ? amount[--left] != (digit & 0xff) : (digit & 0xff) != 0) {
            return false;
        }
    }
    return left == 0;
}

bool certificate_image::has_name(const functions& f, const X509_NAME* name, const part* values,
                                 int count) const {
    if (name == nullptr || f.X509_NAME_entry_count(name) != count) {
        return false;
    }
    for (int i = 0; i < count; ++i) {
        if (!has_text(f, f.X509_NAME_ENTRY_get_data(f.X509_NAME_get_entry(name, i)), values[i])) {
            return false;
        }
    }
    return true;
}

bool certificate_image::is_of(const functions& f, const X509* x) const {
    const part* const serial = parts();
    const part* const dates = serial + 1;
    const part* const issuer = dates + 2;
    const part* const subject = issuer + in_issuer_;
    const part* const key = subject + in_subject_;
    const part* const extensions = key + 1;
    const int in_extensions = static_cast<int>(parts() + parts_ - extensions);
    const auto* const all = reinterpret_cast<const OPENSSL_STACK*>(f.X509_get0_extensions(x));
    if (!has_serial(f, f.X509_get0_serialNumber(x), *serial) ||
        !has_text(f, f.X509_get0_notBefore(x), dates[0]) || !has_text(f, f.X509_get0_notAfter(x), dates[1]) ||
        !has_name(f, f.X509_get_issuer_name(x), issuer, static_cast<int>(in_issuer_)) ||
        !has_name(f, f.X509_get_subject_name(x), subject, static_cast<int>(in_subject_)) ||
        !has(f, f.X509_get0_pubkey_bitstr(x), *key) ||
        !is_as_parsed(f, f.X509_get0_pubkey_bitstr(x), V_ASN1_BIT_STRING, false) ||
        (all == nullptr ? 0 : f.OPENSSL_sk_num(all)) != in_extensions) {
        return false;
    }
    for (int i = 0; i < in_extensions; ++i) {
        const auto* const value =
            f.X509_EXTENSION_get_data(static_cast<X509_EXTENSION*>(f.OPENSSL_sk_value(all, i)));
        if (!has_text(f, value, extensions[i])) {
            return false;
        }
    }
    return true;
}

// SubjectPublicKeyInfo ends with the key's bits (RFC 5280, 4.1).
bool certificate_image::has_key_info_of(const functions& f, const X509* x) const {
    const part& key = parts()[3 + in_issuer_ + in_subject_];
    const std::size_t end = std::size_t{key.at} + key.size;
    const X509_PUBKEY* const info = f.X509_get_X509_PUBKEY(x);
    const int size = info != nullptr ? f.i2d_X509_PUBKEY(info, nullptr) : 0;
    if (size <= 0 || static_cast<std::size_t>(size) > end) {
        return false;
    }
    const std::unique_ptr<unsigned char[]> encoded(
        new (std::nothrow) unsigned char[static_cast<std::size_t>(size)]);
    unsigned char* out = encoded.get();
    return out != nullptr && f.i2d_X509_PUBKEY(info, &out) == size &&
           std::memcmp(encoded.get(), der().data() + end - static_cast<std::size_t>(size),
                       static_cast<std::size_t>(size)) == 0;
}

} // namespace ibid::openssl
