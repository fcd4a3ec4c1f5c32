// SPDX-License-Identifier: Apache-2.0
//
// certificate_cache, called directly, compared with the documented behaviour of d2i_X509: hits, misses and
// failures look the same to a caller.
#include "openssl/certificates/certificate_cache.h"

#include <openssl/err.h>

#include <dlfcn.h>

#include <memory>

#include <gtest/gtest.h>

#include "a_cache.h"
#include "certificates.h"
#include "openssl/instance/libcrypto.h"

namespace ibid::openssl {
namespace {

using namespace ibid::test;

// The libcrypto that this program is linked with, through a table as in any other process.
libcrypto& linked() {
    static libcrypto* const l =
        libcrypto::add(linked_functions(), linked_functions().libcrypto, false, nullptr);
    return *l;
}

class Certificates : public testing::Test {
protected:
    Certificates() : root_(make_authority("root")) {
        cache().retain({}); // no retention: an entry ends with its last holder
        ERR_clear_error();
    }

    static certificate_cache& cache() { return *linked().certificates(); }

    [[nodiscard]] bytes leaf(const std::string& name = "leaf.example") const {
        return der_of(make_certificate(name, root_.key.get(), &root_, false).get());
    }
    [[nodiscard]] static x509_ptr parse(const bytes& der) {
        const unsigned char* p = der.data();
        return x509_ptr(cache().parse(nullptr, &p, static_cast<long>(der.size()), {}, false));
    }

    authority root_;
};

TEST_F(Certificates, EqualBytesGiveOneObject) {
    const bytes der = leaf();
    const x509_ptr a = parse(der);
    const x509_ptr b = parse(der);
    EXPECT_EQ(a.get(), b.get());
    EXPECT_EQ(der_of(a.get()), der);
}

// The first hit compares with the object's own encoding, later hits with the result of the first.
TEST_F(Certificates, EveryHitComparesAllBytes) {
    const bytes der = leaf();
    const x509_ptr first = parse(der);
    EXPECT_EQ(parse(der).get(), first.get());
    EXPECT_EQ(parse(der).get(), first.get());
    // Like another certificate of this size with the same hash.
    certificate_home nowhere{cache().f(), nullptr};
    const std::unique_ptr<certificate_entry> entry(
        certificate_entry::make(nowhere, first.get(), certificate_key(der, {}), 1, false));
    const auto compare = [&](const bytes& other) {
        return entry->compare(cache().f(), certificate_key(other, {}), false);
    };
    for (std::size_t at : {std::size_t{4}, der.size() / 2, der.size() - 1}) {
        bytes other = der;
        other[at] ^= 1;
        EXPECT_EQ(compare(other), likeness::other);
        EXPECT_EQ(compare(der), likeness::same);
        EXPECT_EQ(compare(other), likeness::other);
    }
    entry->changed = true; // as if a program had written to it since it was found
    EXPECT_EQ(compare(der), likeness::altered);
}

// The length of the signature takes an octet more than DER allows. d2i_X509 reads that, and would write it as
// DER.
TEST_F(Certificates, WhatIsNotDerIsParsedButNotFoundAgain) {
    bytes ber = leaf();
    const ASN1_BIT_STRING* signature = nullptr;
    const x509_ptr der = parse(ber);
    X509_get0_signature(&signature, nullptr, der.get());
    const auto length_at =
        ber.size() - static_cast<std::size_t>(ASN1_STRING_length(signature)) - 2; // and the unused bits
    ASSERT_LT(ber[length_at], 0x80);
    ber.insert(ber.begin() + static_cast<std::ptrdiff_t>(length_at), 0x81);
    ASSERT_EQ(ber[1], 0x82); // of the outermost SEQUENCE
    const std::size_t content = ber.size() - 4;
    ber[2] = static_cast<unsigned char>(content >> 8);
    ber[3] = static_cast<unsigned char>(content);

    const std::uint64_t active = cache().statistics().active;
    const x509_ptr first = parse(ber);
    const x509_ptr second = parse(ber);
    ASSERT_NE(first, nullptr);
    ASSERT_NE(second, nullptr);
    EXPECT_NE(first.get(), second.get());
    EXPECT_EQ(X509_cmp(first.get(), second.get()), 0);
    EXPECT_FALSE(cache().shares(second.get()));
    EXPECT_EQ(cache().statistics().active, active + 1);
    EXPECT_EQ(ERR_peek_error(), 0UL);
}

TEST_F(Certificates, OtherBytesGiveAnotherObject) {
    const x509_ptr a = parse(leaf("a.example"));
    const x509_ptr b = parse(leaf("b.example"));
    EXPECT_NE(a.get(), b.get());
}

TEST_F(Certificates, TheEntryGoesWithTheLastReference) {
    const bytes der = leaf();
    const std::uint64_t before = cache().statistics().entries;
    x509_ptr a = parse(der);
    x509_ptr b = parse(der);
    EXPECT_EQ(cache().statistics().entries, before + 1);
    a.reset();
    EXPECT_EQ(cache().statistics().entries, before + 1);
    b.reset();
    EXPECT_EQ(cache().statistics().entries, before);
}

TEST_F(Certificates, TheInputPointerAdvancesAlikeOnMissAndHit) {
    bytes der = leaf();
    const std::size_t size = der.size();
    der.insert(der.end(), {0xde, 0xad}); // the caller handles trailing bytes
    for (int i = 0; i < 2; ++i) {
        const unsigned char* p = der.data();
        const x509_ptr x(cache().parse(nullptr, &p, static_cast<long>(der.size()), {}, false));
        ASSERT_NE(x, nullptr);
        EXPECT_EQ(p, der.data() + size);
        static x509_ptr keep(X509_up_ref(x.get()) == 1 ? x.get() : nullptr);
    }
}

TEST_F(Certificates, AnEmptyObjectIsReplacedOnAHitAndFilledOnAMiss) {
    const bytes der = leaf();
    X509* first = X509_new();
    X509* const given = first;
    const unsigned char* p = der.data();
    EXPECT_EQ(cache().parse(&first, &p, static_cast<long>(der.size()), {}, false), given);
    X509* second = X509_new();
    p = der.data();
    EXPECT_EQ(cache().parse(&second, &p, static_cast<long>(der.size()), {}, false), given);
    EXPECT_EQ(second, given);
    X509_free(first);
    X509_free(second);
}

TEST_F(Certificates, ANullPointerInTheObjectPlaceIsFilledIn) {
    const bytes der = leaf();
    const x509_ptr held = parse(der);
    X509* x = nullptr;
    const unsigned char* p = der.data();
    EXPECT_EQ(cache().parse(&x, &p, static_cast<long>(der.size()), {}, false), held.get());
    EXPECT_EQ(x, held.get());
    X509_free(x);
}

// For every prefix and for bytes that are changed one by one: the same result, the same errors, the same
// pointer.
TEST_F(Certificates, BrokenBytesFailAsInOpenSSLAndLeaveNoEntry) {
    const bytes good = leaf();
    const std::uint64_t entries = cache().statistics().entries;
    const auto compare = [&](const bytes& der, std::size_t size) {
        struct outcome {
            bool parsed;
            std::ptrdiff_t advanced;
            std::vector<unsigned long> errors;
            bool operator==(const outcome&) const = default;
        };
        const auto run = [&](auto function) {
            ERR_clear_error();
            const unsigned char* p = der.data();
            const x509_ptr x(function(&p, static_cast<long>(size)));
            outcome o{x != nullptr, p - der.data(), {}};
            while (const unsigned long e = ERR_get_error()) {
                o.errors.push_back(e);
            }
            return o;
        };
        const outcome stock = run([](const unsigned char** p, long n) { return d2i_X509(nullptr, p, n); });
        const outcome ours =
            run([](const unsigned char** p, long n) { return cache().parse(nullptr, p, n, {}, false); });
        EXPECT_TRUE(stock == ours) << "size " << size;
    };
    for (std::size_t size = 0; size <= good.size(); ++size) {
        compare(good, size);
    }
    for (std::size_t i = 0; i < good.size(); ++i) {
        bytes changed = good;
        changed[i] ^= 0x41;
        compare(changed, changed.size());
    }
    EXPECT_EQ(cache().statistics().entries, entries);
}

TEST_F(Certificates, AHitLeavesTheErrorQueueAlone) {
    const bytes der = leaf();
    const x509_ptr held = parse(der);
    ERR_raise(ERR_LIB_USER, 42);
    const x509_ptr again = parse(der);
    EXPECT_EQ(ERR_GET_REASON(ERR_get_error()), 42);
    EXPECT_EQ(ERR_get_error(), 0U);
}

// A fault in the extensions is reported at the first use of each object, also of one that another parse
// found.
TEST_F(Certificates, EachHolderOfAFaultyOneGetsOpenSSLsReport) {
    const bytes der = make_der("faulty", root_.key.get(), &root_, false,
                               {.extensions = {{"authorityKeyIdentifier", "DER:3F"}}});
    const x509_ptr first = parse(der);
    const x509_ptr second = parse(der);
    EXPECT_NE(first.get(), second.get());
    for (const x509_ptr* x : {&first, &second}) {
        ERR_clear_error();
        EXPECT_NE(X509_get_extension_flags(x->get()) & EXFLAG_INVALID, 0U);
        EXPECT_NE(ERR_peek_error(), 0U);
    }
    ERR_clear_error();
}

TEST_F(Certificates, LibraryContextsAndPropertyQueriesDoNotMix) {
    const bytes der = leaf();
    OSSL_LIB_CTX* const other = OSSL_LIB_CTX_new();
    const auto in = [&](const OSSL_LIB_CTX* context, const char* query) {
        X509* x = X509_new_ex(const_cast<OSSL_LIB_CTX*>(context), query);
        const unsigned char* p = der.data();
        return x509_ptr(cache().parse(&x, &p, static_cast<long>(der.size()), {context, query}, false));
    };
    const x509_ptr plain = in(nullptr, nullptr);
    const x509_ptr elsewhere = in(other, nullptr);
    const x509_ptr queried = in(nullptr, "provider=default");
    EXPECT_NE(plain.get(), elsewhere.get());
    EXPECT_NE(plain.get(), queried.get());
    EXPECT_EQ(queried.get(), in(nullptr, "provider=default").get());
    EXPECT_EQ(elsewhere.get(), in(other, nullptr).get());
    cache().forget_context(other);
    EXPECT_NE(elsewhere.get(), in(other, nullptr).get()) << "found although its context is about to be freed";
    OSSL_LIB_CTX_free(other);
}

TEST_F(Certificates, AThreadWithADefaultContextOfItsOwnSharesNothing) {
    const bytes der = leaf();
    const x509_ptr here = parse(der);
    const std::uint64_t entries = cache().statistics().entries;
    OSSL_LIB_CTX* const other = OSSL_LIB_CTX_new();
    OSSL_LIB_CTX* const before = OSSL_LIB_CTX_set0_default(other);
    x509_ptr elsewhere = parse(der); // OpenSSL would not call the cache at its end
    EXPECT_NE(elsewhere.get(), here.get());
    EXPECT_EQ(cache().statistics().entries, entries);
    elsewhere.reset();
    OSSL_LIB_CTX_set0_default(before);
    EXPECT_EQ(parse(der).get(), here.get());
    OSSL_LIB_CTX_free(other);
}

TEST_F(Certificates, WhatIsWrittenToIsNeverHandedOutAgain) {
    const bytes der = leaf();
    const std::uint64_t detached = cache().statistics().detached;
    const x509_ptr a = parse(der);
    EXPECT_TRUE(cache().detach(a.get()));
    EXPECT_FALSE(cache().detach(a.get())) << "twice";
    const x509_ptr b = parse(der);
    EXPECT_NE(a.get(), b.get());
    EXPECT_EQ(cache().statistics().detached, detached + 1);
    EXPECT_FALSE(cache().shares(a.get()));
    EXPECT_TRUE(cache().shares(b.get()));
}

TEST_F(Certificates, ACertificateThatIbidDidNotParseIsNoneOfItsBusiness) {
    const bytes der = leaf();
    const unsigned char* p = der.data();
    const x509_ptr own(d2i_X509(nullptr, &p, static_cast<long>(der.size())));
    EXPECT_FALSE(cache().detach(own.get()));
    EXPECT_FALSE(cache().shares(own.get()));
    cache().protect(own.get());
}

TEST_F(Certificates, ACopyIsNotTheEntry) {
    const x509_ptr a = parse(leaf());
    const x509_ptr copy(X509_dup(a.get()));
    EXPECT_FALSE(cache().shares(copy.get()));
}

TEST_F(Certificates, RetentionKeepsWithinItsBudgetAndGivesBack) {
    cache().retain({.bytes = 1 << 20, .entries = 2});
    std::vector<bytes> ders;
    for (int i = 0; i < 5; ++i) {
        ders.push_back(leaf(std::to_string(i) + ".example"));
        (void)parse(ders.back());
        (void)parse(ders.back());
        EXPECT_LE(cache().statistics().retained, 2U);
    }
    EXPECT_EQ(cache().statistics().retained, 2U);
    cache().trim();
    EXPECT_EQ(cache().statistics().retained, 0U);
}

TEST_F(Certificates, WhatHasNotVerifiedIsKeptFromItsSecondSightOn) {
    cache().retain({.bytes = 1 << 20, .entries = 64});
    const std::uint64_t entries = cache().statistics().entries;
    for (int i = 0; i < 32; ++i) {
        (void)parse(leaf(std::to_string(i) + ".passing"));
    }
    EXPECT_EQ(cache().statistics().retained, 0U);
    EXPECT_EQ(cache().statistics().entries, entries) << "each ended with its last holder";
    const bytes again = leaf("again.example");
    (void)parse(again);
    EXPECT_EQ(cache().statistics().retained, 0U);
    const X509* const second = parse(again).get(); // is retained, without a holder
    EXPECT_EQ(cache().statistics().retained, 1U);
    const std::uint64_t hits = cache().statistics().hits;
    EXPECT_EQ(parse(again).get(), second);
    EXPECT_EQ(cache().statistics().hits, hits + 1);
    const bytes good = leaf("good.example");
    {
        const x509_ptr x = parse(good);
        cache().protect(x.get());
    }
    EXPECT_EQ(cache().statistics().retained, 2U);
}

TEST_F(Certificates, WhatNeverVerifiedCannotPushOutWhatDid) {
    cache().retain({.bytes = 1 << 20, .entries = 4});
    std::vector<const X509*> good;
    std::vector<bytes> ders;
    for (int i = 0; i < 4; ++i) {
        ders.push_back(leaf(std::to_string(i) + ".good"));
        const x509_ptr x = parse(ders.back());
        cache().protect(x.get());
        good.push_back(x.get());
    }
    for (int i = 0; i < 200; ++i) {
        const bytes bad = leaf(std::to_string(i) + ".bad");
        (void)parse(bad);
        (void)parse(bad); // retained now, within the budget
    }
    for (std::size_t i = 0; i < good.size(); ++i) {
        EXPECT_EQ(parse(ders[i]).get(), good[i]);
    }
}

TEST_F(Certificates, ASignatureIsVerifiedOnceForEachPair) {
    const x509_ptr root = parse(der_of(root_.certificate.get()));
    const x509_ptr x = parse(leaf());
    EVP_PKEY* const key = X509_get0_pubkey(root.get());
    const authority stranger = make_authority("stranger");
    const std::uint64_t hits = cache().signatures().hits;
    EXPECT_EQ(cache().verify(x.get(), key), 1);
    EXPECT_EQ(cache().verify(x.get(), key), 1);
    EXPECT_NE(cache().verify(x.get(), stranger.key.get()), 1);
    ERR_clear_error();
    EXPECT_EQ(cache().signatures().hits, hits + 1);
    cache().forget_all_parsed();
    EXPECT_EQ(cache().verify(x.get(), key), 1);
    EXPECT_EQ(cache().verify(x.get(), key), 1);
    EXPECT_EQ(cache().signatures().hits, hits + 1)
        << "found in the memo although the algorithms may have changed";
    EXPECT_FALSE(cache().shares(x.get())) << "a certificate that is parsed now may be another object";
}

// The null context of a certificate is the thread's default one, and may have other algorithms.
TEST_F(Certificates, ASignatureIsNotTakenFromMemoryInAnotherDefaultContext) {
    const x509_ptr root = parse(der_of(root_.certificate.get()));
    const x509_ptr x = parse(leaf());
    EVP_PKEY* const key = X509_get0_pubkey(root.get());
    EXPECT_EQ(cache().verify(x.get(), key), 1);
    EXPECT_EQ(cache().verify(x.get(), key), 1);
    const std::uint64_t hits = cache().signatures().hits;
    OSSL_LIB_CTX* const other = OSSL_LIB_CTX_new();
    OSSL_LIB_CTX* const before = OSSL_LIB_CTX_set0_default(other);
    EXPECT_EQ(cache().verify(x.get(), key), X509_verify(x.get(), key));
    OSSL_LIB_CTX_set0_default(before);
    EXPECT_EQ(cache().signatures().hits, hits);
    OSSL_LIB_CTX_free(other);
    EXPECT_EQ(cache().verify(x.get(), key), 1);
    EXPECT_EQ(cache().signatures().hits, hits + 1);
}

} // namespace
} // namespace ibid::openssl
