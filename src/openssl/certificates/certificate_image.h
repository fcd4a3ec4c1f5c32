// SPDX-License-Identifier: Apache-2.0
//
// The DER of a certificate, and the positions of the parts that a program can reach by pointer in the X509:
// serial number, dates, names, public key, extension values.
//
// Law: is_of() is true only if each of these parts of the X509 is what the DER says.
//
// Thread safety: threads that share the X509 may call is_of() at the same time, because it uses getters that
// write nothing. X509_NAME_get0_der is not such a getter: it encodes a changed name again, and two threads
// that do so free one buffer twice. A program that writes at the same time races with this as with any
// reader.
//
// Source of the positions: RFC 5280, 4.1. A certificate of another form has no image.
#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "openssl/binding/functions.h"

namespace ibid::openssl {

class certificate_image {
public:
    // Null: no memory, or a certificate that cannot be compared.
    [[nodiscard]] static std::unique_ptr<certificate_image> make(std::span<const unsigned char> der) noexcept;
    // Allocated by make() as one block together with the data after it.
    static void operator delete(void* memory) noexcept; // NOLINT(misc-new-delete-overloads)

    [[nodiscard]] std::span<const unsigned char> der() const noexcept;

    [[nodiscard]] bool is_of(const functions& f, const X509* x) const;
    // The same for the public key with its algorithm, which OpenSSL must encode for this. Also false without
    // memory.
    [[nodiscard]] bool has_key_info_of(const functions& f, const X509* x) const;

private:
    struct part {
        std::uint32_t at; // in the DER
        std::uint32_t size;
    };
    struct layout; // finds the parts
    certificate_image() = default;

    [[nodiscard]] const part* parts() const noexcept { return reinterpret_cast<const part*>(this + 1); }
    [[nodiscard]] bool has(const functions& f, const ASN1_STRING* string, const part& p) const;
    [[nodiscard]] bool has_text(const functions& f, const ASN1_STRING* string, const part& p) const;
    [[nodiscard]] bool has_serial(const functions& f, const ASN1_INTEGER* serial, const part& p) const;
    [[nodiscard]] bool has_name(const functions& f, const X509_NAME* name, const part* values,
                                int count) const;

    std::uint32_t size_;
    std::uint32_t parts_;
    std::uint32_t in_issuer_;
    std::uint32_t in_subject_;
    // After it: the parts (serial number, two dates, values of the issuer, of the subject, public key,
    // extensions), then the DER.
};

} // namespace ibid::openssl
