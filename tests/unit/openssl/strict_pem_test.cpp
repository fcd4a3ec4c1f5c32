// SPDX-License-Identifier: Apache-2.0
//
// strict_pem against PEM_read_bio: it may refuse what OpenSSL accepts, and never decodes anything otherwise.
#include "openssl/strict_pem.h"

#include <openssl/err.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "certificates.h"

namespace ibid::openssl {
namespace {

using ibid::test::bytes;

constexpr char label[] = "X509 CRL";

[[nodiscard]] bytes content_of(std::size_t size) {
    bytes content(size);
    for (std::size_t i = 0; i < size; ++i) {
        content[i] = static_cast<unsigned char>(i * 197 + size);
    }
    return content;
}

[[nodiscard]] std::string pem_of(const bytes& content) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
    PEM_write_bio(out.get(), label, "", content.data(), static_cast<long>(content.size()));
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

// All blocks, or nothing.
using blocks = std::optional<std::vector<bytes>>;

[[nodiscard]] blocks decode_strictly(const std::string& text) {
    strict_pem in({reinterpret_cast<const unsigned char*>(text.data()), text.size()}, label);
    std::vector<bytes> all;
    while (!in.at_end()) {
        const auto block = in.next();
        if (block.empty()) {
            return std::nullopt;
        }
        all.emplace_back(block.begin(), block.end());
    }
    return all;
}

[[nodiscard]] blocks decode_as_openssl(const std::string& text) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> in(
        BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free);
    std::vector<bytes> all;
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    while (PEM_read_bio(in.get(), &name, &header, &data, &size) == 1) {
        const bool plain = std::strcmp(name, label) == 0 && *header == '\0';
        all.emplace_back(data, data + size);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(data);
        if (!plain) {
            return std::nullopt;
        }
    }
    const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return at_end ? blocks(all) : std::nullopt;
}

TEST(StrictPem, DecodesWhatOpenSSLWrites) {
    for (std::size_t size = 1; size < 300; ++size) {
        const bytes content = content_of(size);
        EXPECT_EQ(decode_strictly(pem_of(content)), blocks({content})) << size;
    }
}

TEST(StrictPem, DecodesBlocksOneBehindTheOther) {
    const blocks decoded =
        decode_strictly(pem_of(content_of(100)) + pem_of(content_of(48)) + pem_of(content_of(1)));
    EXPECT_EQ(decoded, blocks({content_of(100), content_of(48), content_of(1)}));
}

TEST(StrictPem, LeavesOtherFormsToOpenSSL) {
    const std::string good = pem_of(content_of(100));
    EXPECT_EQ(decode_strictly(" " + good), std::nullopt);
    EXPECT_EQ(decode_strictly(good + "\n"), std::nullopt);
    EXPECT_EQ(decode_strictly("# a comment\n" + good), std::nullopt);
    EXPECT_EQ(decode_strictly(good.substr(0, good.size() - 1)), std::nullopt);
    std::string windows = good;
    for (std::size_t at = 0; (at = windows.find('\n', at)) != std::string::npos; at += 2) {
        windows.insert(at, 1, '\r');
    }
    EXPECT_EQ(decode_strictly(windows), std::nullopt);
    EXPECT_EQ(decode_as_openssl(windows), blocks({content_of(100)}));
    std::string other = good;
    other.replace(other.find(label), sizeof label - 1, "X509 CRT");
    EXPECT_EQ(decode_strictly(other), std::nullopt);
    EXPECT_EQ(decode_strictly("-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n"), std::nullopt);
}

// Every text that differs in one character, one character less, or one more: refused, or decoded as OpenSSL does.
TEST(StrictPem, NeverDecodesOtherwiseThanOpenSSL) {
    std::size_t decoded = 0;
    const auto compare = [&](const std::string& text) {
        if (const blocks ours = decode_strictly(text)) {
            ++decoded;
            EXPECT_EQ(ours, decode_as_openssl(text)) << text;
        }
    };
    for (const std::size_t size : {1U, 2U, 3U, 47U, 48U, 49U, 100U}) {
        const std::string good = pem_of(content_of(size)) + pem_of(content_of(size + 1));
        for (std::size_t at = 0; at < good.size(); ++at) {
            for (int c = 0; c < 256; ++c) {
                std::string text = good;
                text[at] = static_cast<char>(c);
                compare(text);
                text.insert(at, 1, static_cast<char>(c));
                if (c % 16 == 0) {
                    compare(text);
                }
            }
            for (const char c : {'=', '\n', 'A', '-', ' '}) {
                std::string text = good;
                text.insert(at, 1, c);
                compare(text);
                text.insert(at, 3, c);
                compare(text);
            }
            for (std::size_t n = 1; n < 5; ++n) {
                std::string text = good;
                text.erase(at, n);
                compare(text);
            }
        }
    }
    EXPECT_GT(decoded, 1000U);
}

} // namespace
} // namespace ibid::openssl
