// SPDX-License-Identifier: Apache-2.0
//
// strict_pem compared with PEM_read_bio: it may refuse text that OpenSSL accepts; if it decodes text, the
// result is the same as OpenSSL's.
#include "openssl/trust/strict_pem.h"

#include <openssl/err.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "certificates.h"
#include "file_bytes.h"

namespace ibid::openssl {
namespace {

using ibid::test::bytes;
using ibid::test::content_from;

constexpr char label[] = "X509 CRL";

[[nodiscard]] bytes content_of(std::size_t size) {
    bytes content(size);
    for (std::size_t i = 0; i < size; ++i) {
        content[i] = static_cast<unsigned char>(i * 197 + size);
    }
    return content;
}

[[nodiscard]] std::string pem_of(const bytes& content, const char* name = label) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
    PEM_write_bio(out.get(), name, "", content.data(), static_cast<long>(content.size()));
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

[[nodiscard]] std::string replaced(std::string text, const std::string& what, const std::string& by) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
        text.replace(at, what.size(), by);
    }
    return text;
}

// All blocks, or nothing.
using blocks = std::optional<std::vector<bytes>>;

[[nodiscard]] blocks decode_strictly(const std::string& text) {
    const file_content content = content_from(text);
    if (content.contains(0)) {
        return std::nullopt; // as in trust_file
    }
    strict_pem in(content);
    std::vector<bytes> all;
    for (;;) {
        switch (in.next()) {
        case strict_pem::found::block:
            all.emplace_back(in.content().begin(), in.content().end());
            break;
        case strict_pem::found::end:
            return all;
        case strict_pem::found::other_form:
            EXPECT_EQ(in.next(), strict_pem::found::other_form);
            return std::nullopt;
        }
    }
}

// From a stream, like a file: the effect of a NUL on the end of a line differs between streams and memory.
[[nodiscard]] blocks decode_as_openssl(const std::string& text) {
    struct closes {
        void operator()(std::FILE* f) const { std::fclose(f); }
    };
    const std::unique_ptr<std::FILE, closes> file(fmemopen(const_cast<char*>(text.data()), text.size(), "r"));
    const std::unique_ptr<BIO, decltype(&BIO_free)> in(BIO_new_fp(file.get(), BIO_NOCLOSE), &BIO_free);
    std::vector<bytes> all;
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    while (PEM_read_bio(in.get(), &name, &header, &data, &size) == 1) {
        const bool plain = *header == '\0';
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

TEST(StrictPem, TellsTheKindsApart) {
    const file_content content =
        content_from(pem_of(content_of(3), "CERTIFICATE") + pem_of(content_of(4), "X509 CERTIFICATE") +
                     pem_of(content_of(5), "TRUSTED CERTIFICATE") + pem_of(content_of(6), "X509 CRL"));
    strict_pem in(content);
    for (const pem_kind kind :
         {pem_kind::certificate, pem_kind::certificate, pem_kind::trusted_certificate, pem_kind::crl}) {
        ASSERT_EQ(in.next(), strict_pem::found::block);
        EXPECT_EQ(in.kind(), kind);
    }
    EXPECT_EQ(in.next(), strict_pem::found::end);
}

TEST(StrictPem, PassesOverTextBetweenBlocks) {
    const std::string one = pem_of(content_of(100));
    const std::string two = pem_of(content_of(200));
    const blocks both({content_of(100), content_of(200)});
    for (const std::string& text :
         {"\n" + one + "\n\n" + two + "\n", "# Issuer: CN=a\n=====\n" + one + "  Subject: b\r\n" + two,
          one + "-----END X509 CRL-----\n" + two + "end without a line feed",
          "-----\n" + one + "\t\n" + two}) {
        EXPECT_EQ(decode_strictly(text), both) << text;
        EXPECT_EQ(decode_as_openssl(text), both) << text;
    }
}

TEST(StrictPem, DecodesOtherEndsOfLines) {
    const std::string good = pem_of(content_of(100));
    const blocks expected({content_of(100)});
    for (const std::string& text :
         {replaced(good, "\n", "\r\n"), replaced(good, "\n", " \t\n"), good.substr(0, good.size() - 1),
          replaced(good, "\n", "\r\n\r").substr(0, 30) + good}) {
        const blocks decoded = decode_strictly(text);
        if (decoded) {
            EXPECT_EQ(decoded, decode_as_openssl(text)) << text;
        }
    }
    EXPECT_EQ(decode_strictly(replaced(good, "\n", "\r\n")), expected);
    EXPECT_EQ(decode_strictly(good.substr(0, good.size() - 1)), expected);
}

TEST(StrictPem, LeavesOtherFormsToOpenSSL) {
    const std::string good = pem_of(content_of(100));
    const std::string::size_type body = good.find('\n') + 1;
    for (const std::string& text :
         {" " + good, "\xef\xbb\xbf" + good, good + "-----BEGIN X509 CRL\n",
          good + "-----BEGIN X509 CRL-----\n", good + std::string(300, 'x') + "\n",
          replaced(good, "X509 CRL", "X509 CRT"), replaced(good, "BEGIN X509 CRL", "BEGIN CERTIFICATE"),
          good.substr(0, body) + "\n" + good.substr(body),
          good.substr(0, body) + "DEK-Info: none\n\n" + good.substr(body),
          std::string("-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n"),
          "-----BEGIN X509 CRL-----\n" + std::string(100, '-') + "\n"}) {
        EXPECT_EQ(decode_strictly(text), std::nullopt) << text;
    }
}

// A key, under any name, before, behind or between other blocks; and blocks that may be keys.
TEST(StrictPem, LeavesAFileWithAPrivateKeyToOpenSSL) {
    const std::string good = pem_of(content_of(100), "CERTIFICATE");
    for (const char* name : {"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY",
                             "DSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "ANY OTHER PRIVATE KEY", "PKCS7"}) {
        const std::string key = pem_of(content_of(50), name);
        for (const std::string& text : {key + good, good + key, good + key + good,
                                        std::string(200, 'x') + key + good, // in the middle of a line
                                        good + replaced(key, "-----BEGIN", "----- BEGIN")}) {
            const bool is_text_only =
                std::strcmp(name, "PKCS7") == 0 && text.find("----- BEGIN") != text.npos;
            EXPECT_EQ(decode_strictly(text).has_value(), is_text_only) << text;
        }
    }
}

// Every text with one character changed, removed or added: it is refused, or decoded as OpenSSL does.
TEST(StrictPem, NeverDecodesOtherwiseThanOpenSSL) {
    std::size_t decoded = 0;
    const auto compare = [&](const std::string& text) {
        if (const blocks ours = decode_strictly(text)) {
            ++decoded;
            EXPECT_EQ(ours, decode_as_openssl(text)) << text;
        }
    };
    for (const std::size_t size : {1U, 2U, 3U, 47U, 48U, 49U, 100U}) {
        const std::string good = "text\n" + pem_of(content_of(size)) + "#\r\n" + pem_of(content_of(size + 1));
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
            for (const char c : {'=', '\n', 'A', '-', ' ', '\r', '\t', ':'}) {
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

// Wherever the boundary between two pieces of the content is.
TEST(StrictPem, DecodesLinesThatStandInTwoPieces) {
    const std::string block = pem_of(content_of(1000));
    for (std::size_t padding = 0; padding < block.size() + 10; ++padding) {
        std::string text(file_content::piece_size - block.size() - 5 + padding, 'x');
        for (std::size_t at = 99; at < text.size(); at += 100) {
            text[at] = '\n';
        }
        text.back() = '\n';
        EXPECT_EQ(decode_strictly(text + block), blocks({content_of(1000)})) << padding;
    }
    const bytes large = content_of(3 * file_content::piece_size);
    EXPECT_EQ(decode_strictly(pem_of(large) + block), blocks({large, content_of(1000)}));
}

} // namespace
} // namespace ibid::openssl
