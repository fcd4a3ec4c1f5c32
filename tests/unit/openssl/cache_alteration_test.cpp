// SPDX-License-Identifier: Apache-2.0
//
// A certificate that was changed is never handed out again, even if a program wrote to it through a pointer
// without a setter. And a certificate that was handed out very often is replaced by a new object.
#include <functional>

#include <gtest/gtest.h>

#include "a_cache.h"
#include "this_openssl.h"

namespace ibid::openssl {
namespace {

using namespace ibid::test;

class Alterations : public ::testing::Test {
protected:
    Alterations() : root_(make_authority("root")) {
        a_cache().retain({});
        ERR_clear_error();
    }
    [[nodiscard]] bytes leaf() const {
        return der_of(make_certificate("leaf", root_.key.get(), &root_, false).get());
    }
    authority root_;
};

void change_sign(ASN1_INTEGER* number) {
#if OPENSSL_VERSION_MAJOR < 4
    number->type ^= V_ASN1_NEG;
#else
    BIGNUM* const value = ASN1_INTEGER_to_BN(number, nullptr);
    BN_set_negative(value, BN_is_negative(value) == 0 ? 1 : 0);
    BN_to_ASN1_INTEGER(value, number);
    BN_free(value);
#endif
}

struct change {
    const char* name;
    std::function<void(X509*)> make;
};

[[nodiscard]] const std::vector<change>& changes() {
    static const std::vector<change> all{
        {"notBefore", [](X509* x) { X509_gmtime_adj(X509_getm_notBefore(x), 3600); }},
        {"notAfter", [](X509* x) { ASN1_TIME_set_string(X509_getm_notAfter(x), "20500101000000Z"); }},
        {"one octet of a date", [](X509* x) { octets_of(X509_getm_notAfter(x))[0] ^= 1; }},
        {"serial number", [](X509* x) { ASN1_INTEGER_set(X509_get_serialNumber(x), 99); }},
        {"its sign", [](X509* x) { change_sign(X509_get_serialNumber(x)); }},
        {"an additional name in the subject",
         [](X509* x) {
             X509_NAME_add_entry_by_txt(written_to(X509_get_subject_name(x)), "O", MBSTRING_ASC,
                                        reinterpret_cast<const unsigned char*>("more"), -1, -1, 0);
         }},
        {"a name removed from the issuer",
         [](X509* x) {
             X509_NAME_ENTRY_free(X509_NAME_delete_entry(written_to(X509_get_issuer_name(x)), 0));
         }},
        {"a string in an entry",
         [](X509* x) {
             X509_NAME_ENTRY_set_data(written_to(X509_NAME_get_entry(X509_get_subject_name(x), 0)),
                                      MBSTRING_ASC, reinterpret_cast<const unsigned char*>("changed"), -1);
         }},
        {"an extension's value",
         [](X509* x) { octets_of(X509_EXTENSION_get_data(X509_get_ext(x, 0)))[0] ^= 1; }},
        {"an extension's value, by its length",
         [](X509* x) {
             const ASN1_STRING* const value = X509_EXTENSION_get_data(X509_get_ext(x, 1));
             ASN1_STRING_length_set(written_to(value), ASN1_STRING_length(value) - 1);
         }},
        {"public key", [](X509* x) { octets_of(X509_get0_pubkey_bitstr(x))[9] ^= 1; }},
    };
    return all;
}

TEST_F(Alterations, ThroughAnyPointerAreSeenAtTheNextHit) {
    for (const int hits_before : {0, 1, 2}) {
        for (const change& c : changes()) {
            const bytes der = leaf();
            const std::uint64_t entries = a_cache().statistics().entries;
            const std::uint64_t detached = a_cache().statistics().detached;
            {
                const x509_ptr mine = parse(der);
                for (int i = 0; i < hits_before; ++i) {
                    ASSERT_EQ(parse(der).get(), mine.get());
                }
                c.make(mine.get());
                const x509_ptr next = parse(der);
                EXPECT_NE(next.get(), mine.get()) << c.name;
                EXPECT_EQ(der_of(next.get()), der) << c.name;
                EXPECT_EQ(parse(der).get(), next.get()) << c.name;
                EXPECT_FALSE(a_cache().shares(mine.get())) << c.name;
                EXPECT_EQ(a_cache().statistics().detached, detached + 1) << c.name;
            }
            EXPECT_EQ(a_cache().statistics().entries, entries);
            EXPECT_EQ(ERR_peek_error(), 0U);
        }
    }
}

TEST_F(Alterations, AreSeenByWhoHandsOutHimself) {
    for (const bool was_hit : {false, true}) {
        for (const change& c : changes()) {
            const bytes der = leaf();
            const x509_ptr x = parse(der);
            ASSERT_TRUE(!was_hit || parse(der) == x);
            EXPECT_TRUE(a_cache().is_as_parsed(x.get()));
            c.make(x.get());
            EXPECT_FALSE(a_cache().is_as_parsed(x.get())) << c.name;
            EXPECT_FALSE(a_cache().shares(x.get())) << c.name;
            EXPECT_NE(parse(der).get(), x.get()) << c.name;
        }
    }
}

TEST_F(Alterations, OfWhatIsKeptEndItsKeeping) {
    a_cache().retain({.bytes = 1 << 20, .entries = 8});
    const bytes der = leaf();
    {
        const x509_ptr mine = parse(der);
        a_cache().protect(mine.get());
        X509_gmtime_adj(X509_getm_notBefore(mine.get()), 3600);
    }
    EXPECT_EQ(a_cache().statistics().retained, 1U);
    const x509_ptr next = parse(der);
    EXPECT_LT(X509_cmp_current_time(X509_get0_notBefore(next.get())), 0);
    a_cache().retain({});
}

TEST_F(Alterations, AreNotSharedByWhoGivesHisOwn) {
    const bytes der = leaf();
    const x509_ptr own = fresh(der);
    X509_gmtime_adj(X509_getm_notBefore(own.get()), 3600);
    EXPECT_EQ(a_cache().share(own.get()), nullptr);
    const x509_ptr other = fresh(der);
    const x509_ptr shared(a_cache().share(other.get()));
    EXPECT_NE(shared, nullptr);
}

[[nodiscard]] bytes with_serial(const authority& root, const bytes& content) {
    const x509_ptr x = make_certificate("leaf", root.key.get(), &root, false);
    const bytes der = tlv(2, content);
    const unsigned char* p = der.data();
    ASN1_INTEGER* const serial = d2i_ASN1_INTEGER(nullptr, &p, static_cast<long>(der.size()));
    check(serial != nullptr && X509_set_serialNumber(x.get(), serial) == 1, "serial");
    ASN1_INTEGER_free(serial);
    check(X509_sign(x.get(), root.key.get(), EVP_sha256()) > 0, "sign");
    return der_of(x.get());
}

TEST_F(Alterations, AreNotSeenWhereThereAreNone) {
    for (const bytes& serial : std::vector<bytes>{{0},
                                                  {1},
                                                  {0x7f},
                                                  {0, 0x80},
                                                  {0, 0xff, 0xff},
                                                  {0x80},
                                                  {0xff},
                                                  {0xff, 0x00},
                                                  {0xff, 0x7f},
                                                  {0x80, 0, 0},
                                                  {0x81, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09},
                                                  bytes(20, 0x55)}) {
        const bytes der = with_serial(root_, serial);
        const x509_ptr x = parse(der);
        EXPECT_EQ(parse(der).get(), x.get()) << ::testing::PrintToString(serial);
        EXPECT_EQ(parse(der).get(), x.get()) << ::testing::PrintToString(serial);
        ASN1_INTEGER* const number = X509_get_serialNumber(x.get());
        if (ASN1_STRING_get0_data(number)[0] != 0) {
            change_sign(number);
            EXPECT_NE(parse(der).get(), x.get()) << ::testing::PrintToString(serial);
        }
    }
}

TEST_F(Alterations, OfOneHolderNeverReachAnotherThoughItsThreadsParseOn) {
    const bytes der = leaf();
    for (int i = 0; i < 200; ++i) {
        const x509_ptr mine = parse(der);
        const x509_ptr before = parse(der);
        EXPECT_LT(X509_cmp_current_time(X509_get0_notBefore(mine.get())), 0);
        X509_gmtime_adj(X509_getm_notBefore(mine.get()), 3600);
    }
}

TEST_F(Alterations, TheCountOfHandOutsEndsBeforeThatOfReferences) {
    static_assert(certificate_cache::most_hand_outs <= 1U << 30);
    a_cache().limit_hand_outs(3);
    const bytes der = leaf();
    const std::uint64_t entries = a_cache().statistics().entries;
    std::vector<x509_ptr> all;
    for (int i = 0; i < 12; ++i) {
        all.push_back(parse(der));
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(all[i].get(), all[i / 4 * 4].get()) << "one parse and three hits for each";
        EXPECT_TRUE(i < 4 || all[i].get() != all[i - 4].get());
        EXPECT_TRUE(a_cache().shares(all[i].get()));
    }
    all.clear();
    EXPECT_EQ(a_cache().statistics().entries, entries);
    a_cache().limit_hand_outs(certificate_cache::most_hand_outs);
}

TEST_F(Alterations, WhatWasHandedOutTooOftenIsNotKept) {
    a_cache().retain({.bytes = 1 << 20, .entries = 8});
    a_cache().limit_hand_outs(2);
    const std::uint64_t entries = a_cache().statistics().entries;
    const bytes der = leaf();
    for (int i = 0; i < 10; ++i) {
        (void)parse(der);
        EXPECT_LE(a_cache().statistics().entries, entries + 1);
    }
    a_cache().limit_hand_outs(certificate_cache::most_hand_outs);
    a_cache().retain({});
    EXPECT_EQ(a_cache().statistics().entries, entries);
}

} // namespace
} // namespace ibid::openssl
