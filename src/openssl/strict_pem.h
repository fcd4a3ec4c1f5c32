// SPDX-License-Identifier: Apache-2.0
//
// PEM as OpenSSL writes it, decoded without its buffers. Source: RFC 7468, section 3, figure 3 (stricttextualmsg), with a
// line feed alone at each end of line and nothing before, between, or behind the blocks.
//
// Law: what is decoded here decodes to the same bytes in PEM_read_bio, which accepts far more. Whatever is not exactly of
// this form is not judged: it is OpenSSL's to read.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace ibid::openssl {

class strict_pem {
public:
    // `label`: what the blocks must be called.
    strict_pem(std::span<const unsigned char> text, std::string_view label) noexcept
        : rest_(text), label_(label) {}

    // Whether all of the text has been read.
    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

    // The content of the next block, valid until the next call; empty where the text is not of this form. Throws bad_alloc.
    [[nodiscard]] std::span<const unsigned char> next();

private:
    [[nodiscard]] bool skip(std::string_view expected) noexcept;
    [[nodiscard]] bool skip_boundary(std::string_view which) noexcept;

    std::span<const unsigned char> rest_;
    std::string_view label_;
    std::unique_ptr<unsigned char[]> decoded_; // as large as all of the text could need
};

} // namespace ibid::openssl
