// SPDX-License-Identifier: Apache-2.0
#include "hostile_certificates.h"

#include <openssl/pem.h>

#define XXH_INLINE_ALL
#define XXH_FORCE_MEMORY_ACCESS 0 // as in ibid/hash.h
#include <xxhash.h>

#include <algorithm>
#include <cstring>

namespace bench {

namespace {

owned_x509 read(const std::filesystem::path& file) {
    const owned_bio in{require(BIO_new_file(file.c_str(), "r"), file.c_str())};
    return owned_x509{require(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), file.c_str())};
}

byte_string der_of(X509* x) {
    unsigned char* der = nullptr;
    const int size = require(i2d_X509(x, &der), "i2d_X509");
    byte_string bytes(der, der + size);
    OPENSSL_free(der);
    return bytes;
}

// One element of a DER encoding: where it begins, its content, its end.
struct element {
    std::size_t begin;
    std::size_t content;
    std::size_t end;
};

element element_at(const byte_string& der, std::size_t at) {
    std::size_t length = der.at(at + 1);
    std::size_t content = at + 2;
    if (length >= 0x80) {
        const std::size_t bytes = length - 0x80;
        length = 0;
        for (std::size_t i = 0; i < bytes; ++i)
            length = length << 8 | der.at(content++);
    }
    return {at, content, content + length};
}

byte_string encoded(unsigned char tag, const byte_string& content) {
    byte_string out{tag};
    if (content.size() < 0x80) {
        out.push_back(static_cast<unsigned char>(content.size()));
    } else {
        const unsigned bytes = content.size() > 0xffff ? 3 : content.size() > 0xff ? 2 : 1;
        out.push_back(static_cast<unsigned char>(0x80 + bytes));
        for (unsigned i = bytes; i-- > 0;)
            out.push_back(static_cast<unsigned char>(content.size() >> 8 * i));
    }
    out.insert(out.end(), content.begin(), content.end());
    return out;
}

byte_string part(const byte_string& der, std::size_t begin, std::size_t end) {
    return {der.begin() + static_cast<std::ptrdiff_t>(begin), der.begin() + static_cast<std::ptrdiff_t>(end)};
}

void append(byte_string& to, const byte_string& more) {
    to.insert(to.end(), more.begin(), more.end());
}

// Adds an unknown extension of `size` bytes. Made by hand: a program that names OpenSSL's functions for this
// may write to certificates, and ibid would treat it as a writer (docs/openssl.md). The signature does not
// match.
byte_string padded(const byte_string& der, std::size_t size) {
    const element whole = element_at(der, 0);
    const element signed_part = element_at(der, whole.content);
    element last{};
    for (std::size_t at = signed_part.content; at < signed_part.end; at = last.end)
        last = element_at(der, at);
    if (der.at(last.begin) != 0xa3)
        throw std::runtime_error("this certificate has no extensions");
    const element list = element_at(der, last.content);
    byte_string extension{0x06, 0x09, 0x2b, 0x06, 0x01, 0x04,
                          0x01, 0x83, 0xb2, 0x03, 0x01}; // 1.3.6.1.4.1.55555.1
    append(extension, encoded(0x04, byte_string(size, 0x5a)));
    byte_string extensions = part(der, list.content, list.end);
    append(extensions, encoded(0x30, extension));
    byte_string to_be_signed = part(der, signed_part.content, last.begin);
    append(to_be_signed, encoded(0xa3, encoded(0x30, extensions)));
    byte_string certificate = encoded(0x30, to_be_signed);
    append(certificate, part(der, signed_part.end, whole.end));
    return encoded(0x30, certificate);
}

// XXH3 reads long input in stripes of 64 bytes, with eight lanes each. A lane adds its data to its
// neighbour's sum, and adds the product of the two halves of (data xor secret) to its own sum. If one half is
// zero, the product is zero, and only the neighbour's sum depends on the data. So, in the same lane of two
// stripes, the other halves can be changed by opposite amounts without an effect on the hash: whoever knows
// the secret has 2^32 inputs with one hash. (xxhash.h, XXH3_accumulate_512_scalar; 16 stripes are one block.)
void collide(byte_string& der, std::uint64_t n) {
    constexpr std::size_t lane = 2;
    const std::size_t filling = static_cast<std::size_t>(
        std::search_n(der.begin(), der.end(), 400, static_cast<unsigned char>(0x5a)) - der.begin());
    const std::size_t first = (filling + 63) / 64; // the first stripe that has only filling
    const std::size_t stripes[] = {first, first + 1};
    if (first / 16 != (first + 1) / 16 || (first + 2) * 64 > filling + 400)
        throw std::runtime_error("the filling is not where two stripes of one block are");
    const std::uint32_t other[] = {static_cast<std::uint32_t>(n), ~static_cast<std::uint32_t>(n)};
    for (int i = 0; i < 2; ++i) {
        unsigned char* const at = der.data() + stripes[i] * 64 + lane * 8;
        std::memcpy(at, XXH3_kSecret + (stripes[i] % 16) * 8 + lane * 8, 4);
        std::memcpy(at + 4, &other[i], 4);
    }
}

// The same element with its length encoded differently.
byte_string as_ber(const byte_string& der, bool indefinite) {
    const std::size_t header = 4; // 30 82 hh ll
    byte_string out{0x30};
    if (indefinite) {
        out.push_back(0x80);
    } else {
        const std::size_t length = der.size() - header;
        out.insert(out.end(),
                   {0x84, 0, 0, static_cast<unsigned char>(length >> 8), static_cast<unsigned char>(length)});
    }
    out.insert(out.end(), der.begin() + header, der.end());
    if (indefinite)
        out.insert(out.end(), {0, 0});
    return out;
}

} // namespace

hostile_certificates::hostile_certificates(attack how, const std::filesystem::path& honest) : how_(how) {
    const owned_x509 x = read(honest);
    pattern_ = der_of(x.get());
    if (how == attack::large || how == attack::colliding) {
        pattern_ = padded(pattern_, how == attack::large ? std::size_t{1} << 20 : 400);
        const unsigned char* p = pattern_.data();
        const owned_x509 parsed{
            require(d2i_X509(nullptr, &p, static_cast<long>(pattern_.size())), "d2i_X509")};
    }
    const ASN1_INTEGER* const serial = X509_get0_serialNumber(x.get());
    const unsigned char* const bytes = ASN1_STRING_get0_data(serial);
    const auto found =
        std::search(pattern_.begin(), pattern_.end(), bytes, bytes + ASN1_STRING_length(serial));
    if (found == pattern_.end() || ASN1_STRING_length(serial) < 9)
        throw std::runtime_error("the serial number is too short");
    serial_ = static_cast<std::size_t>(found - pattern_.begin()) + 1; // the first byte makes it positive
    if (how == attack::colliding) {
        const byte_string a = chain(1).front();
        const byte_string b = chain(2).front();
        if (a == b || XXH3_64bits(a.data(), a.size()) != XXH3_64bits(b.data(), b.size()))
            throw std::runtime_error("these certificates do not collide");
    }
}

byte_string hostile_certificates::numbered(std::uint64_t n) const {
    byte_string der = pattern_;
    std::memcpy(der.data() + serial_, &n, sizeof n);
    return der;
}

std::vector<byte_string> hostile_certificates::chain(std::uint64_t n) const {
    switch (how_) {
    case attack::distinct:
    case attack::large:
        return {numbered(n)};
    case attack::deep: {
        std::vector<byte_string> all;
        for (std::uint64_t i = 0; i < 60; ++i)
            all.push_back(numbered(n * 60 + i));
        return all;
    }
    case attack::one_byte: {
        byte_string der = pattern_;
        der[n % der.size()] ^= static_cast<unsigned char>(1u << (n / der.size() % 8));
        return {der};
    }
    case attack::ber:
        return {as_ber(numbered(n), n % 2 == 1)};
    case attack::colliding: {
        byte_string der = pattern_;
        collide(der, n);
        return {der};
    }
    }
    throw std::logic_error("no such attack");
}

} // namespace bench
