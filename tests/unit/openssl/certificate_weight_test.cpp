// SPDX-License-Identifier: Apache-2.0
//
// Compares the estimated weight of many kinds of certificates with the memory that is allocated for them
// after parsing, use and verification, with policies; and checks the budget of retention.
#include "openssl/certificates/certificate_weight.h"

#include <malloc.h>

#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

#include "a_cache.h"
#include "policy_check.h"

namespace ibid::openssl {
namespace {

using namespace ibid::test;

[[nodiscard]] std::size_t in_use() {
    return mallinfo2().uordblks;
}

void use(X509* x, EVP_PKEY* issuer) {
    X509_check_purpose(x, -1, 0);
    X509_verify(x, issuer);
    // A verification stores data in the verifying key; the signature need not be valid.
    EVP_PKEY* const key = X509_get0_pubkey(x);
    bytes signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)), 1);
    EVP_MD_CTX* const verification = EVP_MD_CTX_new();
    const bool pure = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
    EVP_DigestVerifyInit(verification, nullptr, pure ? nullptr : EVP_sha256(), nullptr, key);
    EVP_DigestVerify(verification, signature.data(), signature.size(), signature.data(), 1);
    EVP_MD_CTX_free(verification);
    X509_check_host(x, "example.com", 0, 0, nullptr);
    ERR_clear_error();
}

class CertificateWeights : public ::testing::Test {
protected:
    static void SetUpTestSuite() { root_ = new authority(make_authority("root")); }
    static void TearDownTestSuite() { delete root_; }

    // Of one certificate in use, on the average over some. With `beside`, what the cache keeps, too.
    [[nodiscard]] static double real_weight(const bytes& der, bool policies) {
        const std::size_t copies = der.size() > 3000 ? 10 : 40;
        std::vector<x509_ptr> all(copies);
        const auto run = [&](x509_ptr& x) {
            x = fresh(der);
            use(x.get(), root_->key.get());
            if (policies) {
                check_policies(x.get(), *root_);
            }
        };
        run(all[0]);
        all[0].reset();
        const std::size_t before = in_use();
        std::ranges::for_each(all, run);
        return static_cast<double>(in_use() - before) / static_cast<double>(copies);
    }
    static void expect(const char* name, const bytes& der, double most, bool policies = false) {
        const double real = real_weight(der, policies);
        const auto said = static_cast<double>(certificate_weight(der));
        EXPECT_GE(said, 0.9 * real) << name << ", " << der.size() << " bytes of DER, takes " << real;
        EXPECT_LE(said, most * real) << name << ", " << der.size() << " bytes of DER, takes " << real;
    }
    [[nodiscard]] static bytes with(const std::vector<raw_extension>& extensions, EVP_PKEY* key = nullptr,
                                    const bytes& subject = {}) {
        return der_of(make_raw(*root_, key != nullptr ? key : root_->key.get(), extensions, subject).get());
    }
    [[nodiscard]] static bytes times(int n, const std::function<bytes(int)>& one) {
        bytes all;
        for (int i = 0; i < n; ++i) {
            const bytes next = one(i);
            all.insert(all.end(), next.begin(), next.end());
        }
        return all;
    }

    static constexpr double ordinary = 1.5;
    static constexpr double hostile = 2.5;
    static inline authority* root_ = nullptr;
};

constexpr const char* alternative_names = "2.5.29.17";

[[nodiscard]] bytes rdn(const bytes& type, const bytes& value, unsigned char tag = 0x0c) {
    return tlv(0x31, tlv(0x30, join({tlv(6, type), tlv(tag, value)})));
}
const bytes common_name{0x55, 0x04, 0x03};

TEST_F(CertificateWeights, OfTheAuthoritiesThatThisSystemTrusts) {
    FILE* const in = std::fopen("/etc/ssl/certs/ca-certificates.crt", "r");
    if (in == nullptr) {
        GTEST_SKIP() << "no ca-certificates";
    }
    while (const x509_ptr x{PEM_read_X509(in, nullptr, nullptr, nullptr)}) {
        char name[256];
        expect(X509_NAME_oneline(X509_get_subject_name(x.get()), name, sizeof name), der_of(x.get()),
               ordinary);
    }
    std::fclose(in);
    ERR_clear_error();
}

TEST_F(CertificateWeights, OfLeavesWithKeysOfEachKind) {
    const std::vector<raw_extension> usual{
        {"2.5.29.19", tlv(0x30, {})},
        {"2.5.29.15", {0x03, 0x02, 0x07, 0x80}},
        {"2.5.29.37", tlv(0x30, tlv(6, {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01}))},
        {"2.5.29.14", tlv(4, bytes(20, 1))},
        {"2.5.29.35", tlv(0x30, tlv(0x80, bytes(20, 2)))},
        {alternative_names,
         tlv(0x30, join({tlv(0x82, text("www.example.com")), tlv(0x82, text("example.com"))}))},
        {"2.5.29.32", tlv(0x30, join({tlv(0x30, tlv(6, {0x67, 0x81, 0x0c, 0x01, 0x02, 0x01})),
                                      tlv(0x30, tlv(6, {0x2b, 0x06, 0x01, 0x04, 0x01, 0x09}))}))},
        {"2.5.29.31",
         tlv(0x30, tlv(0x30, tlv(0xa0, tlv(0xa0, tlv(0x86, text("http://crl.example.com/1.crl"))))))},
        {"1.3.6.1.5.5.7.1.1", tlv(0x30, bytes(90, 0))},
        {"1.3.6.1.4.1.11129.2.4.2", tlv(4, bytes(240, 9))},
    };
    const bytes subject = tlv(
        0x30, join({rdn({0x55, 0x04, 0x06}, text("US"), 0x13), rdn({0x55, 0x04, 0x0a}, text("Example Inc")),
                    rdn(common_name, text("www.example.com"))}));
    for (const auto& [name, key] : std::initializer_list<std::pair<const char*, EVP_PKEY*>>{
             {"P-256", EVP_EC_gen("P-256")},
             {"P-384", EVP_EC_gen("P-384")},
             {"P-521", EVP_EC_gen("P-521")},
             {"Ed25519", EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")},
             {"RSA 2048", EVP_RSA_gen(2048)},
             {"RSA 4096", EVP_RSA_gen(4096)}}) {
        const key_ptr owner(key);
        expect(name, with(usual, key, subject), ordinary);
        expect(name, with(usual, key, subject), ordinary, true);
        expect(name, with({}, key), hostile);
    }
}

TEST_F(CertificateWeights, OfVeryManyExtensions) {
    const auto many = [](const std::string& stem, const bytes& value) {
        std::vector<raw_extension> all;
        for (int i = 0; i < 1100; ++i) {
            all.push_back({stem + std::to_string(i), value});
        }
        return with(all);
    };
    expect("tiny", many("1.2.", {}), hostile);
    expect("with unknown objects", many("1.2.77.88.99.123456.", {}), hostile);
    expect("below id-ce", many("2.5.29.70.", {}), hostile);
    expect("of an octet", many("2.5.29.200.", {1}), hostile);
    expect("of 40 octets", many("1.2.", bytes(40, 1)), hostile);
    expect("one of 8 KB", with({{"1.2.3", bytes(8000, 1)}}), hostile);
    std::vector<raw_extension> objectless;
    for (int i = 0; i < 128; ++i) {
        objectless.push_back({"2.5.29." + std::to_string(i), {}});
    }
    std::erase_if(objectless, [](const raw_extension& e) { // which OpenSSL would decode
        const std::string id = e.object.substr(7);
        return id == "14" || id == "17" || id == "30" || id == "31" || id == "35" || id == "32" || id == "33";
    });
    expect("known and unknown", with(objectless), hostile);
}

TEST_F(CertificateWeights, OfVeryManyNames) {
    const auto names = [](const char* what, int n, const std::function<bytes(int)>& one) {
        expect(what, with({{alternative_names, tlv(0x30, times(n, one))}}), hostile);
    };
    names("empty", 1000, [](int) { return tlv(0x82, {}); });
    names("short", 1000, [](int) { return tlv(0x82, text("a")); });
    names("hosts", 1000, [](int) { return tlv(0x82, text("host0123.example")); });
    names("long", 100, [](int) { return tlv(0x82, bytes(200, 'a')); });
    names("addresses", 1000, [](int) { return tlv(0x87, {10, 0, 0, 1}); });
    names("directory names", 500, [](int) { return tlv(0xa4, tlv(0x30, rdn(common_name, text("a")))); });
    names("empty directory names", 500, [](int) { return tlv(0xa4, tlv(0x30, {})); });
    names("other names", 500, [](int) {
        return tlv(0xa0, join({tlv(6, {0x2a, 0x03}), tlv(0xa0, tlv(0x0c, text("a")))}));
    });
    names("registered", 500, [](int i) { return tlv(0x88, {0x2a, 3, static_cast<unsigned char>(i % 100)}); });
    names("parties", 500, [](int) { return tlv(0xa5, tlv(0xa1, tlv(0x0c, text("a")))); });
}

TEST_F(CertificateWeights, OfLongAndCrowdedSubjects) {
    const auto subject = [](const char* what, int n, const std::function<bytes(int)>& one) {
        expect(what, with({}, nullptr, tlv(0x30, times(n, one))), hostile);
    };
    subject("empty", 1000, [](int) { return rdn(common_name, {}); });
    subject("short", 1000, [](int) { return rdn(common_name, text("a")); });
    subject("unknown types", 1000, [](int) { return rdn({0x2a, 3, 4, 5}, text("a")); });
    subject("unknown types of X.520", 500, [](int) { return rdn({0x55, 4, 0x7f}, text("a")); });
    subject("BMPString", 300, [](int) { return rdn(common_name, bytes(64, 0x30), 0x1e); });
    subject("T61String", 300, [](int) { return rdn(common_name, bytes(64, 0xe4), 0x14); });
    subject("8 KB", 1, [](int) { return rdn({0x55, 0x04, 0x0a}, bytes(8000, 'x')); });
    subject("one of 1,000 values", 1, [](int) {
        return tlv(0x31, times(1000, [](int i) {
                       return tlv(0x30, join({tlv(6, common_name),
                                              tlv(0x0c, {static_cast<unsigned char>(i >> 7),
                                                         static_cast<unsigned char>(i & 0x7f)})}));
                   }));
    });
}

TEST_F(CertificateWeights, OfWhatIsDecodedAtFirstUse) {
    const auto one = [](const char* what, const char* object, const bytes& value, bool policies = false) {
        expect(what, with({{object, value}}), hostile, policies);
    };
    one("distribution points", "2.5.29.31",
        tlv(0x30, times(500, [](int) { return tlv(0x30, tlv(0xa0, tlv(0xa0, tlv(0x86, text("u"))))); })));
    one("empty distribution points", "2.5.29.31", tlv(0x30, times(500, [](int) { return tlv(0x30, {}); })));
    one("CRL issuers", "2.5.29.31",
        tlv(0x30, times(300, [](int) { return tlv(0x30, tlv(0xa2, tlv(0x82, text("a")))); })));
    one("constraints of names", "2.5.29.30",
        tlv(0x30, tlv(0xa0, times(500, [](int) { return tlv(0x30, tlv(0x82, text("a"))); }))));
    one("issuers of the issuer", "2.5.29.35",
        tlv(0x30, join({tlv(0xa1, times(500, [](int) { return tlv(0x82, text("a")); })), tlv(0x82, {1})})));
    one("policies", "2.5.29.32",
        tlv(0x30, times(64,
                        [](int i) {
                            return tlv(0x30, tlv(6, {0x2a, static_cast<unsigned char>(i), 1}));
                        })),
        true);
    one("numbers of systems", "1.3.6.1.5.5.7.1.8",
        tlv(0x30, tlv(0xa0, tlv(0x30, times(500, [](int i) {
                                    return tlv(2, {1, static_cast<unsigned char>(i / 100),
                                                   static_cast<unsigned char>(i % 100)});
                                })))));
    one("blocks of addresses", "1.3.6.1.5.5.7.1.7",
        tlv(0x30, tlv(0x30, join({tlv(4, {0, 1}), tlv(0x30, times(500, [](int i) {
                                                          return tlv(
                                                              3, {0, 10, static_cast<unsigned char>(i / 100),
                                                                  static_cast<unsigned char>(i % 100)});
                                                      }))}))));
}

TEST_F(CertificateWeights, OfWhatCannotBeReadIsTooMuch) {
    const bytes whole = with({});
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_EQ(certificate_weight(std::span(whole).first(size)), too_heavy) << size;
    }
    EXPECT_NE(certificate_weight(whole), too_heavy);
    for (std::size_t i = 0; i < whole.size(); ++i) { // whatever comes, it ends, and reads nothing else
        bytes changed = whole;
        changed[i] ^= 0xff;
        (void)certificate_weight(changed);
    }
}

// The findings' shape: 8 KB of DER with 1,100 extensions.
TEST_F(CertificateWeights, KeepTheBudgetWhateverStrangersSend) {
    constexpr std::size_t budget = 4 << 20;
    std::vector<bytes> all;
    std::vector<raw_extension> tiny;
    for (int i = 0; i < 1100; ++i) {
        tiny.push_back({"1.2." + std::to_string(i % 40), {}});
    }
    for (int i = 0; i < 120; ++i) {
        all.push_back(with(tiny));
    }
    ASSERT_LT(all[0].size(), 10'500U);
    a_cache().retain({.bytes = budget, .entries = 4096});
    const std::size_t before = in_use();
    for (int round = 0; round < 3; ++round) {
        for (const bytes& der : all) {
            const x509_ptr x = parse(der);
            use(x.get(), root_->key.get());
            a_cache().protect(x.get());
        }
    }
    EXPECT_GT(a_cache().statistics().retained, 5U);
    EXPECT_LE(a_cache().statistics().retained_bytes, budget);
    EXPECT_LE(in_use() - before, budget * 10 / 9 + 65536);
    a_cache().retain({});
}

} // namespace
} // namespace ibid::openssl
