// SPDX-License-Identifier: Apache-2.0
#include "hostile_certificates.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define XXH_INLINE_ALL
#define XXH_FORCE_MEMORY_ACCESS 0 // as in ibid/hash.h
#include <xxhash.h>

#include <algorithm>
#include <cstring>

namespace bench {

namespace {

owned_certificate read(const std::filesystem::path& file) {
    const owned_bio in{require(BIO_new_file(file.c_str(), "r"), file.c_str())};
    return owned_certificate{require(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), file.c_str())};
}

byte_string der_of(X509* x) {
    unsigned char* der = nullptr;
    const int size = require(i2d_X509(x, &der), "i2d_X509");
    byte_string bytes(der, der + size);
    OPENSSL_free(der);
    return bytes;
}

// With `size` bytes of an extension that nobody knows.
void pad(X509* x, std::size_t size) {
    const byte_string filling(size, 0x5a);
    ASN1_OCTET_STRING* const value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, filling.data(), static_cast<int>(size));
    ASN1_OBJECT* const id = OBJ_txt2obj("1.3.6.1.4.1.55555.1", 1);
    X509_EXTENSION* const extension =
        require(X509_EXTENSION_create_by_OBJ(nullptr, id, 0, value), "an extension");
    require(X509_add_ext(x, extension, -1), "an extension");
    X509_EXTENSION_free(extension);
    ASN1_OBJECT_free(id);
    ASN1_OCTET_STRING_free(value);
    EVP_PKEY* const key = require(EVP_EC_gen("P-256"), "a key");
    require(X509_sign(x, key, EVP_sha256()), "a signature");
    EVP_PKEY_free(key);
}

// XXH3 takes long input in stripes of 64 bytes, eight lanes each. A lane adds its data to its neighbour's sum, and to its own
// the product of the two halves of (data xor secret). Where one half is zero, only the first remains. So two lanes of the
// same number in two stripes can change their other halves against each other and leave no trace: 2^32 inputs with one
// hash, for anybody who knows the secret. (xxhash.h, XXH3_accumulate_512_scalar; 16 stripes are one block.)
void collide(byte_string& der, std::uint64_t n) {
    constexpr std::size_t lane = 2;
    const std::size_t filling = static_cast<std::size_t>(
        std::search_n(der.begin(), der.end(), 400, static_cast<unsigned char>(0x5a)) - der.begin());
    const std::size_t first = (filling + 63) / 64; // the first stripe that is all filling
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

// The same element with its length in another form.
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
    const owned_certificate x = read(honest);
    if (how == attack::large || how == attack::colliding) {
        const owned_certificate padded{require(X509_dup(x.get()), "X509_dup")};
        pad(padded.get(), how == attack::large ? std::size_t{1} << 20 : 400);
        pattern_ = der_of(padded.get());
    } else {
        pattern_ = der_of(x.get());
    }
    const ASN1_INTEGER* const serial = X509_get0_serialNumber(x.get());
    const unsigned char* const bytes = ASN1_STRING_get0_data(serial);
    const auto found =
        std::search(pattern_.begin(), pattern_.end(), bytes, bytes + ASN1_STRING_length(serial));
    if (found == pattern_.end() || ASN1_STRING_length(serial) < 9)
        throw std::runtime_error("the serial number is too short");
    serial_ =
        static_cast<std::size_t>(found - pattern_.begin()) + 1; // the first byte says that it is positive
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
