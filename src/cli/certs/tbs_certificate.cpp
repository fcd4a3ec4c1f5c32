// SPDX-License-Identifier: Apache-2.0
//
// See tbs_certificate.h.
#include "cli/certs/tbs_certificate.h"

#include "statistics/printable.h"

#include <array>
#include <cstddef>

#include <fmt/format.h>

namespace ibid::cli::certs {
namespace {

enum tag : unsigned char {
    integer = 0x02,
    object_identifier = 0x06,
    utf8_string = 0x0c,
    utc_time = 0x17,
    generalized_time = 0x18,
    universal_string = 0x1c,
    bmp_string = 0x1e,
    sequence = 0x30,
    set = 0x31,
    version = 0xa0,
};

struct element {
    unsigned char is = 0;
    std::string_view content;
};

// Cuts the first element off. Nothing: it is not whole, or not in DER's form of a length.
std::optional<element> take(std::string_view& from) {
    const auto byte = [&from](std::size_t i) { return static_cast<unsigned char>(from[i]); };
    if (from.size() < 2)
        return std::nullopt;
    std::size_t length = byte(1);
    std::size_t head = 2;
    if (length >= 0x80) {
        const std::size_t digits = length & 0x7f;
        if (digits == 0 || digits > 3 || from.size() < 2 + digits)
            return std::nullopt;
        length = 0;
        for (std::size_t i = 0; i < digits; ++i)
            length = length << 8 | byte(2 + i);
        head += digits;
    }
    if (length > from.size() - head)
        return std::nullopt;
    const element e{byte(0), from.substr(head, length)};
    from.remove_prefix(head + length);
    return e;
}

std::optional<std::string_view> take(std::string_view& from, tag is) {
    const std::optional<element> e = take(from);
    return e && e->is == is ? std::optional(e->content) : std::nullopt;
}

std::string text_of(const element& value) {
    const std::size_t width = value.is == bmp_string ? 2 : value.is == universal_string ? 4 : 1;
    if (width == 1 && value.is == utf8_string) {
        return shared_statistics::printable(value.content);
    }
    std::string text;
    for (std::size_t i = 0; i + width <= value.content.size(); i += width) {
        std::uint32_t c = 0;
        for (std::size_t k = 0; k < width; ++k)
            c = c << 8 | static_cast<unsigned char>(value.content[i + k]);
        shared_statistics::append_printable(text, c);
    }
    return text;
}

// RFC 4514, and what certificates have besides; else the numbers.
std::string name_of(std::string_view oid) {
    struct known {
        std::string_view oid;
        const char* name;
    };
    constexpr std::array all{
        known{"\x55\x04\x03", "CN"},
        known{"\x55\x04\x04", "SN"},
        known{"\x55\x04\x05", "serialNumber"},
        known{"\x55\x04\x06", "C"},
        known{"\x55\x04\x07", "L"},
        known{"\x55\x04\x08", "ST"},
        known{"\x55\x04\x09", "street"},
        known{"\x55\x04\x0a", "O"},
        known{"\x55\x04\x0b", "OU"},
        known{"\x55\x04\x0c", "title"},
        known{"\x55\x04\x2a", "GN"},
        known{"\x55\x04\x61", "organizationIdentifier"},
        known{"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", "UID"},
        known{"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", "DC"},
        known{"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", "emailAddress"},
    };
    for (const known& k : all) {
        if (k.oid == oid)
            return k.name;
    }
    std::string numbers;
    std::uint64_t number = 0;
    for (const char c : oid.substr(0, 64)) {
        number = number << 7 | (static_cast<unsigned char>(c) & 0x7f);
        if ((static_cast<unsigned char>(c) & 0x80) != 0)
            continue;
        if (numbers.empty()) {
            const std::uint64_t first = number < 80 ? number / 40 : 2;
            numbers = fmt::format("{}.{}", first, number - first * 40);
        } else {
            numbers += fmt::format(".{}", number);
        }
        number = 0;
    }
    return numbers;
}

// The most telling part first, as in RFC 4514: the last one of the name.
std::optional<std::string> take_name(std::string_view& from) {
    std::optional<std::string_view> parts = take(from, sequence);
    if (!parts)
        return std::nullopt;
    std::string name;
    while (!parts->empty()) {
        std::optional<std::string_view> several = take(*parts, set);
        if (!several)
            return std::nullopt;
        std::string part;
        while (!several->empty()) {
            std::optional<std::string_view> pair = take(*several, sequence);
            const auto oid = pair ? take(*pair, object_identifier) : std::nullopt;
            const auto value = oid ? take(*pair) : std::nullopt;
            if (!value)
                return std::nullopt;
            std::string text;
            for (const char c : text_of(*value))
                text += c == ',' || c == '+' || c == '\\' ? std::string{'\\', c} : std::string{c};
            part += fmt::format("{}{}={}", part.empty() ? "" : "+", name_of(*oid), text);
        }
        name.insert(0, name.empty() ? part : part + ", ");
    }
    return name;
}

// Days since 1970 of a date of the Gregorian calendar.
std::int64_t days_of(std::int64_t year, std::int64_t month, std::int64_t day) {
    constexpr std::array<int, 12> before{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    const std::int64_t whole = year - 1;
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return whole * 365 + whole / 4 - whole / 100 + whole / 400 - 719162 +
           before[static_cast<std::size_t>(month - 1)] + (leap && month > 2 ? 1 : 0) + day - 1;
}

// "491231235959Z" or "20491231235959Z": RFC 5280, 4.1.2.5.
bool take_time(std::string_view& from, std::string& text, std::int64_t& seconds) {
    const std::optional<element> e = take(from);
    if (!e || (e->is != utc_time && e->is != generalized_time))
        return false;
    const std::size_t digits = e->is == utc_time ? 2 : 4;
    const std::string_view t = e->content;
    if (t.size() != digits + 11 || t.back() != 'Z' ||
        t.substr(0, t.size() - 1).find_first_not_of("0123456789") != std::string_view::npos)
        return false;
    const auto number = [t](std::size_t at, std::size_t length) {
        std::int64_t n = 0;
        for (const char c : t.substr(at, length))
            n = n * 10 + (c - '0');
        return n;
    };
    std::int64_t year = number(0, digits);
    if (digits == 2)
        year += year < 50 ? 2000 : 1900;
    std::array<std::int64_t, 5> rest{}; // month, day, hour, minute, second
    for (std::size_t i = 0; i < rest.size(); ++i)
        rest[i] = number(digits + 2 * i, 2);
    if (year == 0 || rest[0] < 1 || rest[0] > 12 || rest[1] < 1 || rest[1] > 31 || rest[2] > 23 ||
        rest[3] > 59 || rest[4] > 60)
        return false;
    text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", year, rest[0], rest[1], rest[2], rest[3],
                       rest[4]);
    seconds = ((days_of(year, rest[0], rest[1]) * 24 + rest[2]) * 60 + rest[3]) * 60 + rest[4];
    return true;
}

} // namespace

std::optional<tbs_certificate> parse_tbs_certificate(std::string_view der) {
    std::optional<std::string_view> in = take(der, sequence);
    if (!in || !der.empty())
        return std::nullopt;
    if (!in->empty() && static_cast<unsigned char>(in->front()) == version && !take(*in))
        return std::nullopt;
    const auto serial = take(*in, integer);
    if (!serial || !take(*in, sequence)) // the signature's algorithm
        return std::nullopt;
    tbs_certificate c;
    for (const char digit : serial->substr(0, 64))
        c.serial += fmt::format("{:02x}", static_cast<unsigned char>(digit));
    const auto issuer = take_name(*in);
    auto validity = issuer ? take(*in, sequence) : std::nullopt;
    if (!validity || !take_time(*validity, c.not_before, c.begins) ||
        !take_time(*validity, c.not_after, c.ends))
        return std::nullopt;
    const auto subject = take_name(*in);
    if (!subject || !take(*in, sequence)) // its key
        return std::nullopt;
    c.issuer = *issuer;
    c.subject = *subject;
    return c;
}

} // namespace ibid::cli::certs
