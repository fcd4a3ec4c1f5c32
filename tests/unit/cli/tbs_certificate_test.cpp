// SPDX-License-Identifier: Apache-2.0
//
// What `ibid certs` shows of a certificate, and that arbitrary bytes do no harm.
#include "cli/certs/tbs_certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

namespace ibid::cli::certs {
namespace {

std::string element(int tag, const std::string& content) {
    std::string head(1, static_cast<char>(tag));
    if (content.size() < 0x80)
        return head + static_cast<char>(content.size()) + content;
    return head + '\x82' + static_cast<char>(content.size() >> 8) + static_cast<char>(content.size() & 0xff) +
           content;
}

std::string attribute(const std::string& oid, int tag, const std::string& value) {
    return element(0x31, element(0x30, element(0x06, oid) + element(tag, value)));
}

const std::string common_name = "\x55\x04\x03";
const std::string organization = "\x55\x04\x0a";

std::string certificate(const std::string& subject, const std::string& validity) {
    const std::string algorithm = element(0x30, element(0x06, "\x2a\x86\x48\xce\x3d\x04\x03\x02"));
    return element(
        0x30,
        element(0xa0, element(0x02, "\x02")) + element(0x02, "\x01\xab") + algorithm +
            element(0x30, attribute(organization, 0x13, "Example") + attribute(common_name, 0x0c, "CA")) +
            element(0x30, validity) + element(0x30, subject) + element(0x30, std::string(200, 'k')));
}

const std::string validity = element(0x17, "700101000000Z") + element(0x18, "20500101000000Z");

std::string subject_of(const std::string& subject) {
    const auto c = parse_tbs_certificate(certificate(subject, validity));
    return c ? c->subject : "(refused)";
}

TEST(tbs_certificate, is_shown_by_its_names_and_dates) {
    const auto c = parse_tbs_certificate(certificate(attribute(common_name, 0x0c, "client-1"), validity));
    ASSERT_TRUE(c);
    EXPECT_EQ(c->subject, "CN=client-1");
    EXPECT_EQ(c->issuer, "CN=CA, O=Example");
    EXPECT_EQ(c->serial, "01ab");
    EXPECT_EQ(c->not_before, "1970-01-01T00:00:00Z");
    EXPECT_EQ(c->begins, 0);
    EXPECT_EQ(c->not_after, "2050-01-01T00:00:00Z");
    EXPECT_EQ(c->ends, 2524608000); // date -ud 2050-01-01 +%s
}

TEST(tbs_certificate, dates_are_those_of_the_calendar) {
    const auto ends = [](const std::string& when) {
        const auto c =
            parse_tbs_certificate(certificate("", element(0x17, "500101000000Z") + element(0x18, when)));
        return c ? c->ends : -1;
    };
    EXPECT_EQ(ends("20240229120000Z"), 1709208000); // date -ud '2024-02-29 12:00' +%s
    EXPECT_EQ(ends("20000301000000Z"), 951868800);
    EXPECT_EQ(ends("99991231235959Z"), 253402300799);
    for (const char* wrong :
         {"20241301000000Z", "2024010100000Z", "20240101000000+", "20240100000000Z", "2024010124000Z", ""})
        EXPECT_EQ(ends(wrong), -1) << wrong;
}

TEST(tbs_certificate, a_name_is_text_that_a_terminal_can_be_given) {
    EXPECT_EQ(subject_of(""), "");
    EXPECT_EQ(subject_of(attribute(common_name, 0x0c, "Gr\xc3\xbc\xc3\x9f")), "CN=Gr\xc3\xbc\xc3\x9f");
    EXPECT_EQ(subject_of(attribute(common_name, 0x1e, std::string("\x00G\x00\xfc", 4))),
              "CN=G\xc3\xbc");                                                  // BMPString
    EXPECT_EQ(subject_of(attribute(common_name, 0x14, "\xfc")), "CN=\xc3\xbc"); // T61String, as Latin-1
    EXPECT_EQ(subject_of(attribute(common_name, 0x0c, "a\x1b[2Jb\r\n")), "CN=a?[2Jb??");
    EXPECT_EQ(subject_of(attribute(common_name, 0x0c, "\xc2\x9b")), "CN=?"); // C1's own escape
    EXPECT_EQ(subject_of(attribute(common_name, 0x0c, "\xff\xc0\xaf\xed\xa0\x80")),
              "CN=??????"); // overlong, surrogate
    EXPECT_EQ(subject_of(attribute(common_name, 0x0c, "a, O=b")), "CN=a\\, O=b");
    EXPECT_EQ(subject_of(attribute("\x2a\x03\x04", 0x0c, "x")), "1.2.3.4=x");
}

TEST(tbs_certificate, a_name_is_escaped_as_rfc_4514_wants_it) {
    const auto value = [](const std::string& text) {
        return subject_of(attribute(common_name, 0x0c, text)).substr(3);
    };
    EXPECT_EQ(value("a\"b+c,d;e<f>g\\h=i"), R"(a\"b\+c\,d\;e\<f\>g\\h=i)");
    EXPECT_EQ(value("#1"), "\\#1");
    EXPECT_EQ(value("a#"), "a#");
    EXPECT_EQ(value(" a b "), "\\ a b\\ ");
    EXPECT_EQ(value(" "), "\\ ");
    EXPECT_EQ(value("  "), "\\ \\ ");
    EXPECT_EQ(value(std::string("good.example\0.evil.example", 26)), "good.example\\00.evil.example");
    EXPECT_EQ(subject_of(attribute(common_name, 0x1e, std::string("\0a\0\0", 4))), "CN=a\\00");
}

TEST(tbs_certificate, a_type_is_shown_by_its_numbers_or_the_name_is_refused) {
    const auto type = [](const std::string& oid) {
        const std::string all = subject_of(attribute(oid, 0x0c, "x"));
        return all.substr(0, all.find('='));
    };
    EXPECT_EQ(type("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"), "1.2.840.113549.1.1.11");
    EXPECT_EQ(type(std::string(1, '\0')), "0.0");
    EXPECT_EQ(type("\x27"), "0.39");
    EXPECT_EQ(type("\x4f"), "1.39");
    EXPECT_EQ(type("\x50"), "2.0");
    EXPECT_EQ(type("\x88\x37"), "2.999");
    // 2.25. and the number of a UUID (X.667): 2^128 - 1
    EXPECT_EQ(type("\x69\x83" + std::string(17, '\xff') + "\x7f"),
              "2.25.340282366920938463463374607431768211455");
    EXPECT_EQ(type(""), "(refused)");
    EXPECT_EQ(type("\x55\x84"), "(refused)") << "the last number has no end";
    EXPECT_EQ(type("\x55\x80\x04"), "(refused)") << "a number that begins with nothing";
}

TEST(tbs_certificate, a_name_is_cut_after_some_thousand_bytes) {
    EXPECT_EQ(subject_of(attribute(common_name, 0x0c, std::string(2000, 'a'))),
              "CN=" + std::string(1024, 'a') + "...");
    const std::string cut =
        subject_of(attribute(common_name, 0x0c, std::string(600, 'x') + std::string(9000, 'y')));
    EXPECT_THAT(cut, ::testing::EndsWith("y..."));
    std::string many;
    for (int i = 0; i < 2000; ++i)
        many += attribute(common_name, 0x0c, "a");
    EXPECT_LT(subject_of(many).size(), 5000U);
    EXPECT_THAT(subject_of(many), ::testing::EndsWith("CN=a, ..."));
    std::string together;
    for (int i = 0; i < 2000; ++i)
        together += element(0x30, element(0x06, common_name) + element(0x0c, "a"));
    EXPECT_LT(subject_of(element(0x31, together)).size(), 5000U);
    EXPECT_THAT(subject_of(element(0x31, together)), ::testing::EndsWith("CN=a+..."));
}

TEST(tbs_certificate, what_is_cut_short_is_none) {
    const std::string whole = certificate(attribute(common_name, 0x0c, "client-1"), validity);
    for (std::size_t n = 0; n < whole.size(); ++n) {
        const auto exact = std::make_unique<char[]>(n); // a sanitizer reports a read past the end
        whole.copy(exact.get(), n);
        EXPECT_FALSE(parse_tbs_certificate({exact.get(), n})) << n;
    }
    EXPECT_FALSE(parse_tbs_certificate(whole + "x"));
}

TEST(tbs_certificate, any_bytes_give_something_printable_or_nothing) {
    std::mt19937 random(20261129);
    const std::string whole = certificate(
        attribute(common_name, 0x0c, "client-1") + attribute(organization, 0x1e, "Example!"), validity);
    std::size_t taken = 0;
    for (int round = 0; round < 50000; ++round) {
        std::string bytes = whole;
        for (unsigned n = random() % 4 + 1; n > 0; --n)
            bytes[random() % (bytes.size() - 200)] =
                static_cast<char>(random()); // the key at its end is not parsed
        const auto c = parse_tbs_certificate(bytes);
        if (!c)
            continue;
        ++taken;
        for (const std::string* text : {&c->subject, &c->issuer, &c->serial, &c->not_before}) {
            for (const char b : *text)
                ASSERT_TRUE(static_cast<unsigned char>(b) >= 0x20 && b != 0x7f);
        }
    }
    EXPECT_GT(taken, 1000U);
}

} // namespace
} // namespace ibid::cli::certs
