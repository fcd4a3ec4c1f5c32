// SPDX-License-Identifier: Apache-2.0
//
// PEM files of certificates and CRLs, decoded without OpenSSL. Source: RFC 7468, section 3, figure 1
// (textualmsg), without explanatory text inside a block.
//
// Laws:
//  - What is decoded here, PEM_read_bio decodes to the same blocks. PEM_read_bio accepts far more; any other
//    file is left to OpenSSL.
//  - A file that has a block of another kind (a private key, above all), or text that mentions one, is left
//    to OpenSSL.
//  - Decoded bytes are overwritten before their memory is freed.
//  - Small, because it is on a stack that OpenSSL's parsers also use.
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

    // `text` must not change during the lifetime of this object.
    explicit strict_pem(const file_content& text) noexcept : pieces_(text.pieces()) {}
    strict_pem(const strict_pem&) = delete;
    strict_pem& operator=(const strict_pem&) = delete;
    ~strict_pem() = default;

    // Finds the next block. After the text was found to have another form, every call says so. Throws
    // bad_alloc.
    [[nodiscard]] found next();

    // The bytes of the last block that was found; valid until the next call.
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
    wiped_bytes joined_;    // a line that is split between two pieces. Rarely used, so not on the stack
    bool other_form_ = false;
    pem_kind kind_ = pem_kind::certificate;
    std::string_view label_;
    wiped_bytes decoded_;
    std::size_t decoded_size_ = 0;
};

} // namespace ibid::openssl
