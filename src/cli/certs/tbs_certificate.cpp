// SPDX-License-Identifier: Apache-2.0
//
// See tbs_certificate.h.
#include "cli/certs/tbs_certificate.h"

#include "statistics/printable.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

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

// Removes the first element. Nothing: it is truncated, or its length is not in DER form.
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

// Printable (statistics/printable.h), except zero characters, which are kept and escaped in the name.
std::string text_of(const element& value) {
    const std::size_t width = value.is == bmp_string ? 2 : value.is == universal_string ? 4 : 1;
    std::string text;
    if (width == 1 && value.is == utf8_string) {
        for (std::string_view rest = value.content; !rest.empty();) {
            const std::size_t zero = std::min(rest.find('\0'), rest.size());
            text += shared_statistics::printable(rest.substr(0, zero));
            if (zero != rest.size())
                text += '\0';
            rest.remove_prefix(std::min(zero + 1, rest.size()));
        }
        return text;
    }
    for (std::size_t i = 0; i + width <= value.content.size(); i += width) {
        std::uint32_t c = 0;
        for (std::size_t k = 0; k < width; ++k)
            c = c << 8 | static_cast<unsigned char>(value.content[i + k]);
        if (c == 0)
            text += '\0';
        else
            shared_statistics::append_printable(text, c);
    }
    return text;
}

// RFC 4514, 2.4.
std::string escaped(std::string_view text) {
    constexpr std::string_view special = "\"+,;<>\\";
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool at_an_end = (i == 0 && (c == ' ' || c == '#')) || (i + 1 == text.size() && c == ' ');
        if (c == '\0') {
            out += "\\00";
            continue;
        }
        if (at_an_end || special.find(c) != std::string_view::npos)
            out += '\\';
        out += c;
    }
    return out;
}

// In bytes. A name may exceed this, up to the end of a value.
constexpr std::size_t longest_value = 1024;
constexpr std::size_t longest_name = 4096;
constexpr const char* more = "...";

// Between characters.
void cut(std::string& text, std::size_t most) {
    if (text.size() <= most)
        return;
    while (most != 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80)
        --most;
    text.resize(most);
    text += more;
}

// X.690, 8.19: not empty, the last byte ends a number, and no number begins with an empty digit.
bool is_object_identifier(std::string_view oid) {
    bool begins = true;
    for (const char c : oid) {
        if (begins && c == '\x80')
            return false;
        begins = (static_cast<unsigned char>(c) & 0x80) == 0;
    }
    return !oid.empty() && begins;
}

// A decimal number times 128, and 0 to 127 more. Numbers of UUIDs (2.25.) have 128 bits.
void append_seven_bits(std::string& number, unsigned bits) {
    for (std::size_t i = number.size(); i-- != 0;) {
        bits += static_cast<unsigned>(number[i] - '0') * 128;
        number[i] = static_cast<char>('0' + bits % 10);
        bits /= 10;
    }
    for (; bits != 0; bits /= 10)
        number.insert(number.begin(), static_cast<char>('0' + bits % 10));
}

void subtract(std::string& number, int n) {
    for (std::size_t i = number.size(); n != 0 && i-- != 0; n /= 10) {
        int digit = number[i] - '0' - n % 10;
        if (digit < 0) {
            digit += 10;
            n += 10;
        }
        number[i] = static_cast<char>('0' + digit);
    }
    number.erase(0, std::min(number.find_first_not_of('0'), number.size() - 1));
}

// The short names of RFC 4514, and further ones that certificates use; otherwise the numbers.
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
    std::string number;
    for (const char c : oid.substr(0, 64)) {
        append_seven_bits(number, static_cast<unsigned char>(c) & 0x7f);
        if ((static_cast<unsigned char>(c) & 0x80) != 0)
            continue;
        if (number.empty())
            number = "0";
        if (numbers.empty()) { // the first two are encoded as one: 40 * a + b, and a is at most 2
            const bool small = number.size() < 3 && std::stoul(number) < 80;
            const unsigned long first = small ? std::stoul(number) / 40 : 2;
            if (small)
                number = std::to_string(std::stoul(number) % 40);
            else
                subtract(number, 80);
            numbers = fmt::format("{}.{}", first, number);
        } else {
            numbers += "." + number;
        }
        number.clear();
    }
    return oid.size() > 64 ? numbers + more : numbers;
}

// "CN=Example", or "CN=Example+SN=7" if a part has several values. Nothing: it is malformed.
std::optional<std::string> text_of_part(std::string_view several, bool is_wanted) {
    std::string part;
    bool is_cut = false;
    while (!several.empty()) {
        std::optional<std::string_view> pair = take(several, sequence);
        const auto oid = pair ? take(*pair, object_identifier) : std::nullopt;
        const auto value = oid ? take(*pair) : std::nullopt;
        if (!value || !is_object_identifier(*oid))
            return std::nullopt;
        if (!is_wanted || part.size() > longest_name) {
            is_cut |= is_wanted;
            continue;
        }
        std::string text = text_of({value->is, value->content.substr(0, 8 * longest_value)});
        cut(text, longest_value);
        part += fmt::format("{}{}={}", part.empty() ? "" : "+", name_of(*oid), escaped(text));
    }
    if (is_cut)
        part += std::string("+") + more;
    return part;
}

// The most specific part, which is the last one of the name, comes first, as in RFC 4514. The whole name is
// checked; only the shown part is converted to text.
std::optional<std::string> take_name(std::string_view& from) {
    std::optional<std::string_view> rest = take(from, sequence);
    if (!rest)
        return std::nullopt;
    std::vector<std::string_view> parts;
    while (!rest->empty()) {
        const std::optional<std::string_view> part = take(*rest, set);
        if (!part || !text_of_part(*part, false))
            return std::nullopt;
        parts.push_back(*part);
    }
    std::string name;
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
        if (name.size() > longest_name)
            return name + ", " + more;
        name += (name.empty() ? "" : ", ") + *text_of_part(*part, true);
    }
    return name;
}

// Converts a Gregorian date to days since 1970.
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
