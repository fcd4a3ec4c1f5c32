// SPDX-License-Identifier: Apache-2.0
#include "strict_pem.h"

#include <openssl/pem.h>

#include <algorithm>
#include <cstring>

namespace ibid::openssl {

namespace {

constexpr std::size_t longest_data_line = 76; // RFC 7468 writes 64 characters, MIME 76
constexpr unsigned char no_digit = 0x80;      // a bit that no digit has, so it survives or-ing

constexpr std::array<unsigned char, 256> digits = [] {
    std::array<unsigned char, 256> values{};
    values.fill(no_digit);
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        values[static_cast<unsigned char>(alphabet[i])] = static_cast<unsigned char>(i);
    }
    return values;
}();

// Decodes four characters into three bytes. The or-ed values show whether all were digits.
[[nodiscard]] inline unsigned char decode_quantum(const char* in, unsigned char* out) noexcept {
    const auto digit = [in](std::size_t i) { return digits[static_cast<unsigned char>(in[i])]; };
    const unsigned char a = digit(0);
    const unsigned char b = digit(1);
    const unsigned char c = digit(2);
    const unsigned char d = digit(3);
    out[0] = static_cast<unsigned char>(a << 2 | b >> 4);
    out[1] = static_cast<unsigned char>(b << 4 | c >> 2);
    out[2] = static_cast<unsigned char>(c << 6 | d);
    return a | b | c | d;
}

// Decodes a line without its line end; not empty. Returns the number of bytes; 0: not a line of base64.
[[nodiscard]] std::size_t decode_line(std::string_view line, bool may_be_last, unsigned char* out) noexcept {
    if (line.size() % 4 != 0 || line.size() > longest_data_line) {
        return 0;
    }
    std::size_t padding = 0;
    std::array<char, 4> last{};
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

constexpr std::string_view begin = "-----BEGIN ";
constexpr std::string_view end = "-----END ";
constexpr std::string_view tail = "-----";
constexpr std::string_view secret = "PRIVATE KEY";

struct known_label {
    std::string_view text;
    pem_kind kind;
};
constexpr std::array known_labels = {
    known_label{PEM_STRING_X509, pem_kind::certificate},
    known_label{PEM_STRING_X509_OLD, pem_kind::certificate},
    known_label{PEM_STRING_X509_TRUSTED, pem_kind::trusted_certificate},
    known_label{PEM_STRING_X509_CRL, pem_kind::crl},
};

[[nodiscard]] bool is_boundary(std::string_view line, std::string_view which,
                               std::string_view label) noexcept {
    return line.size() == which.size() + label.size() + tail.size() && line.starts_with(which) &&
           line.substr(which.size()).starts_with(label) && line.ends_with(tail);
}

} // namespace

strict_pem::line strict_pem::next_line() {
    while (!pieces_.empty() && at_ == pieces_.front().size()) {
        pieces_ = pieces_.subspan(1);
        at_ = 0;
    }
    if (pieces_.empty()) {
        return line::none;
    }
    std::size_t joined = 0;
    for (;;) {
        const auto rest = pieces_.front().all().subspan(at_);
        const auto* const first = reinterpret_cast<const char*>(rest.data());
        const auto* const end_of_line = static_cast<const char*>(
            std::memchr(first, '\n', std::min(rest.size(), longest_line + 1 - joined)));
        const std::size_t size =
            end_of_line != nullptr ? static_cast<std::size_t>(end_of_line - first) : rest.size();
        if (joined + size > longest_line) {
            return line::too_long;
        }
        at_ += size + (end_of_line != nullptr ? 1 : 0);
        const bool goes_on = end_of_line == nullptr && pieces_.size() > 1;
        if (joined == 0 && !goes_on) {
            line_ = {first, size};
            break;
        }
        if (joined_.size() == 0) {
            joined_ = wiped_bytes(longest_line);
        }
        std::memcpy(joined_.data() + joined, first, size);
        joined += size;
        if (!goes_on) {
            line_ = {reinterpret_cast<const char*>(joined_.data()), joined};
            break;
        }
        pieces_ = pieces_.subspan(1);
        at_ = 0;
    }
    // OpenSSL removes these and other characters from the end of each line.
    while (!line_.empty() && (line_.back() == '\r' || line_.back() == ' ' || line_.back() == '\t')) {
        line_.remove_suffix(1);
    }
    return line::read;
}

std::size_t strict_pem::distance_to(unsigned char c) const noexcept {
    std::size_t passed = 0;
    std::size_t at = at_;
    for (const wiped_bytes& piece : pieces_) {
        const auto rest = piece.all().subspan(at);
        if (const void* const there = std::memchr(rest.data(), c, rest.size())) {
            return passed + static_cast<std::size_t>(static_cast<const unsigned char*>(there) - rest.data());
        }
        passed += rest.size();
        at = 0;
    }
    return passed;
}

// Whether the line begins a block of a known kind. A line that may begin another kind, or that mentions a
// key, ends the reading.
bool strict_pem::begins_block() noexcept {
    for (const known_label& known : known_labels) {
        if (is_boundary(line_, begin, known.text)) {
            kind_ = known.kind;
            label_ = known.text;
            return true;
        }
    }
    other_form_ = line_.find(begin) != std::string_view::npos || line_.find(secret) != std::string_view::npos;
    return false;
}

strict_pem::found strict_pem::next() {
    while (!other_form_) {
        const line read = next_line();
        if (read == line::none) {
            return found::end;
        }
        if (read == line::too_long) {
            other_form_ = true;
        } else if (begins_block()) {
            if (decode_block()) {
                return found::block;
            }
            other_form_ = true;
        }
    }
    return found::other_form;
}

bool strict_pem::decode_block() {
    const std::size_t most = distance_to('-') / 4 * 3; // which is no digit
    if (decoded_.size() < most) {
        decoded_ = wiped_bytes(most);
    }
    decoded_size_ = 0;
    bool last = false;
    while (next_line() == line::read) {
        if (is_boundary(line_, end, label_)) {
            return decoded_size_ != 0;
        }
        if (last || line_.empty() || decoded_.size() - decoded_size_ < line_.size() / 4 * 3) {
            return false;
        }
        last = line_.back() == '=';
        const std::size_t n = decode_line(line_, last, decoded_.data() + decoded_size_);
        if (n == 0) {
            return false;
        }
        decoded_size_ += n;
    }
    return false;
}

} // namespace ibid::openssl
