// SPDX-License-Identifier: Apache-2.0
//
// PEM files of certificates and CRLs, decoded without OpenSSL. Source: RFC 7468, section 3, figure 1 (textualmsg), without
// explanatory text inside a block.
//
// Laws:
//  - What is decoded here decodes to the same blocks in PEM_read_bio, which accepts far more. A file that is not of this form
//    is not judged: it is OpenSSL's to read.
//  - A file with a block of any other kind (a private key, above all), or whose text speaks of one, is not of this form.
//  - What was decoded is overwritten before its memory is given back.
//  - It lives on the stack of a thread that goes on into OpenSSL's parsers, and so is small.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "file_content.h"

namespace ibid::openssl {

enum class pem_kind : std::uint8_t { certificate, trusted_certificate, crl };

class strict_pem {
public:
    enum class found : std::uint8_t { block, end, other_form };

    // `text` stays as it is for as long as this is there.
    explicit strict_pem(const file_content& text) noexcept : pieces_(text.pieces()) {}
    strict_pem(const strict_pem&) = delete;
    strict_pem& operator=(const strict_pem&) = delete;
    ~strict_pem() = default;

    // What comes next; for what is not of this form, always that. Throws bad_alloc.
    [[nodiscard]] found next();

    // Of the block that was found last, until the next call.
    [[nodiscard]] pem_kind kind() const noexcept { return kind_; }
    [[nodiscard]] std::span<const unsigned char> content() const noexcept {
        return decoded_.all().first(decoded_size_);
    }

private:
    static constexpr std::size_t longest_line = 200; // OpenSSL reads up to 254 characters at once

    enum class line : std::uint8_t { read, none, too_long };
    [[nodiscard]] line next_line();
    [[nodiscard]] std::size_t distance_to(unsigned char c) const noexcept;
    [[nodiscard]] bool begins_block() noexcept;
    [[nodiscard]] bool decode_block();

    std::span<const wiped_bytes> pieces_; // not read yet; of the first, what is behind `at_`
    std::size_t at_ = 0;
    std::string_view line_; // without what ends it
    wiped_bytes
        joined_; // a line that stands in two pieces. Hardly ever: on the stack it would be there at all times
    bool other_form_ = false;
    pem_kind kind_ = pem_kind::certificate;
    std::string_view label_;
    wiped_bytes decoded_;
    std::size_t decoded_size_ = 0;
};

} // namespace ibid::openssl
