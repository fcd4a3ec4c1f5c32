// SPDX-License-Identifier: Apache-2.0
#include "strict_pem.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace ibid::openssl {

namespace {

constexpr std::size_t full_line = 64;    // characters
constexpr unsigned char no_digit = 0x80; // beyond every digit: it stays visible when digits are or-ed

constexpr std::array<unsigned char, 256> digits = [] {
    std::array<unsigned char, 256> values{};
    values.fill(no_digit);
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        values[static_cast<unsigned char>(alphabet[i])] = static_cast<unsigned char>(i);
    }
    return values;
}();

// Four characters into three bytes. What is or-ed together tells whether all were digits.
[[nodiscard]] inline unsigned char decode_quantum(const unsigned char* in, unsigned char* out) noexcept {
    const unsigned char a = digits[in[0]];
    const unsigned char b = digits[in[1]];
    const unsigned char c = digits[in[2]];
    const unsigned char d = digits[in[3]];
    out[0] = static_cast<unsigned char>(a << 2 | b >> 4);
    out[1] = static_cast<unsigned char>(b << 4 | c >> 2);
    out[2] = static_cast<unsigned char>(c << 6 | d);
    return a | b | c | d;
}

// A line without its end. Returns how many bytes it holds; 0: it is none. Every line but the last is full and unpadded.
[[nodiscard]] std::size_t decode_line(std::span<const unsigned char> line, bool may_be_last,
                                      unsigned char* out) noexcept {
    if (line.empty() || line.size() % 4 != 0) {
        return 0;
    }
    std::size_t padding = 0;
    std::array<unsigned char, 4> last{};
    std::memcpy(last.data(), line.data() + line.size() - 4, 4);
    while (may_be_last && padding < 2 && last[3 - padding] == '=') {
        last[3 - padding++] = 'A'; // no bits
    }
    unsigned char seen = 0;
    std::size_t at = 0;
    for (; at + 4 < line.size(); at += 4, out += 3) {
        seen |= decode_quantum(line.data() + at, out);
    }
    seen |= decode_quantum(last.data(), out);
    return (seen & no_digit) == 0 ? line.size() / 4 * 3 - padding : 0;
}

} // namespace

bool strict_pem::skip(std::string_view expected) noexcept {
    if (rest_.size() < expected.size() || std::memcmp(rest_.data(), expected.data(), expected.size()) != 0) {
        return false;
    }
    rest_ = rest_.subspan(expected.size());
    return true;
}

bool strict_pem::skip_boundary(std::string_view which) noexcept {
    return skip("-----") && skip(which) && skip(" ") && skip(label_) && skip("-----\n");
}

std::span<const unsigned char> strict_pem::next() {
    if (!skip_boundary("BEGIN")) {
        return {};
    }
    if (decoded_ == nullptr) {
        decoded_ = std::make_unique_for_overwrite<unsigned char[]>(rest_.size() / 4 * 3 + 3);
    }
    std::size_t size = 0;
    for (bool last = false; !last;) {
        const auto* const end = static_cast<const unsigned char*>(
            std::memchr(rest_.data(), '\n', rest_.size() > full_line ? full_line + 1 : rest_.size()));
        if (end == nullptr) {
            return {};
        }
        const auto line = rest_.first(static_cast<std::size_t>(end - rest_.data()));
        rest_ = rest_.subspan(line.size() + 1);
        last = !rest_.empty() && rest_[0] == '-';
        const std::size_t n =
            last || line.size() == full_line ? decode_line(line, last, decoded_.get() + size) : 0;
        if (n == 0) {
            return {};
        }
        size += n;
    }
    return skip_boundary("END") ? std::span<const unsigned char>(decoded_.get(), size)
                                : std::span<const unsigned char>();
}

} // namespace ibid::openssl
