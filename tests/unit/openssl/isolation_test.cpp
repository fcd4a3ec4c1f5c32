// SPDX-License-Identifier: Apache-2.0
//
// Library contexts, property queries and the FIPS provider: a certificate that is parsed in one of them is
// never found in another.
#include <openssl/provider.h>
#include <openssl/ssl.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "certificates.h"
#include "connections.h"
#include "ibid_openssl.h"

namespace ibid::test {
namespace {

using library_context = testbed::owned<OSSL_LIB_CTX, OSSL_LIB_CTX_free>;

struct held {
    connection open;
    [[nodiscard]] const X509* peer() const { return open.clients_view(); }
};

class Isolation : public testing::Test {
protected:
    world w;
    context_ptr server = w.context(TLS_server_method(), true);
    std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("ibid-isolation-" + std::to_string(getpid()));
    std::string ca = folder / "ca.pem";

    void SetUp() override {
        SSL_CTX_set_verify(server.get(), SSL_VERIFY_NONE, nullptr);
        std::filesystem::create_directories(folder);
        BIO* const out = BIO_new_file(ca.c_str(), "w");
        PEM_write_bio_X509(out, w.root.certificate.get());
        BIO_free(out);
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    [[nodiscard]] context_ptr client(OSSL_LIB_CTX* in, const char* query) const {
        context_ptr c(SSL_CTX_new_ex(in, query, TLS_client_method()));
        check(c != nullptr, "context");
        check(SSL_CTX_load_verify_file(c.get(), ca.c_str()) == 1, "trust store");
        SSL_CTX_set_verify(c.get(), SSL_VERIFY_PEER, nullptr);
        return c;
    }

    [[nodiscard]] held shaken(SSL_CTX* with) const {
        held h{{with, server.get()}};
        check(h.open.shake_hands(), "handshake");
        check(SSL_get_verify_result(h.open.client.get()) == X509_V_OK, "verdict");
        return h;
    }

    [[nodiscard]] static std::uint64_t remembered() {
        ibid_openssl_statistics s{};
        s.size = sizeof s;
        check(ibid_openssl_get_statistics(IBID_OPENSSL_SIGNATURES, &s) == 1, "statistics");
        return s.hits;
    }
};

TEST_F(Isolation, EachLibraryContextHasItsOwnCertificates) {
    const library_context own(OSSL_LIB_CTX_new());
    const library_context other(OSSL_LIB_CTX_new());
    const context_ptr here = client(nullptr, nullptr);
    const context_ptr there = client(own.get(), nullptr);
    const context_ptr elsewhere = client(other.get(), nullptr);
    const held a = shaken(here.get());
    const held b = shaken(there.get());
    const held c = shaken(there.get());
    const held d = shaken(elsewhere.get());
    EXPECT_NE(a.peer(), b.peer());
    EXPECT_EQ(b.peer(), c.peer());
    EXPECT_NE(c.peer(), d.peer());
    EXPECT_NE(a.peer(), d.peer());
}

TEST_F(Isolation, AContextThatIsGoneLeavesNothingToTheNext) {
    for (int i = 0; i < 20; ++i) { // the allocator returns the same address again
        const library_context own(OSSL_LIB_CTX_new());
        const context_ptr c = client(own.get(), nullptr);
        const held a = shaken(c.get());
        const held b = shaken(c.get());
        EXPECT_EQ(a.peer(), b.peer());
        // Its key refers to its context: if it were a key of the old context, an operation would use freed
        // memory.
        EVP_PKEY_CTX* const use = EVP_PKEY_CTX_new_from_pkey(own.get(), X509_get0_pubkey(a.peer()), nullptr);
        EXPECT_EQ(EVP_PKEY_public_check(use), 1);
        EVP_PKEY_CTX_free(use);
    }
}

TEST_F(Isolation, EachPropertyQueryHasItsOwnCertificates) {
    const context_ptr plain = client(nullptr, nullptr);
    const context_ptr asking = client(nullptr, "provider=default");
    const context_ptr wishing = client(nullptr, "?provider=default");
    const held a = shaken(plain.get());
    const held b = shaken(asking.get());
    const held c = shaken(asking.get());
    const held d = shaken(wishing.get());
    EXPECT_NE(a.peer(), b.peer());
    EXPECT_EQ(b.peer(), c.peer());
    EXPECT_NE(b.peer(), d.peer());
}

TEST_F(Isolation, WhatOneContextHasVerifiedAnotherVerifiesAnew) {
    const context_ptr here = client(nullptr, nullptr);
    (void)shaken(here.get());
    const std::uint64_t before = remembered();
    (void)shaken(here.get());
    EXPECT_GT(remembered(), before);
    const library_context own(OSSL_LIB_CTX_new());
    const context_ptr there = client(own.get(), nullptr);
    const std::uint64_t until_now = remembered();
    (void)shaken(there.get());
    EXPECT_EQ(remembered(), until_now);
}

// Distributions ship no FIPS provider; './dev openssl 3.0' builds one.
TEST_F(Isolation, TheFipsProviderNeverMeetsTheDefaultOne) {
    const char* const build = std::getenv("IBID_OPENSSL");
    const std::string prefix = build != nullptr ? build : "";
    const std::string module = prefix + "/lib/ossl-modules/fips.so";
    if (build == nullptr || !std::filesystem::exists(module)) {
        GTEST_SKIP() << "there is no FIPS provider for this OpenSSL";
    }
    const std::string installed = folder / "fipsmodule.cnf";
    const std::string install =
        prefix + "/bin/openssl fipsinstall -quiet -module " + module + " -out " + installed;
    ASSERT_EQ(std::system(install.c_str()), 0);
    const std::string configuration = folder / "fips.cnf";
    std::ofstream(configuration) << "openssl_conf = all\n.include " << installed
                                 << "\n[all]\nproviders = two\n[two]\nfips = fips_sect\nbase = base_sect\n"
                                    "[base_sect]\nactivate = 1\n";
    const library_context fips(OSSL_LIB_CTX_new());
    ASSERT_EQ(OSSL_LIB_CTX_load_config(fips.get(), configuration.c_str()), 1);
    ASSERT_EQ(OSSL_PROVIDER_available(fips.get(), "fips"), 1);
    ASSERT_EQ(OSSL_PROVIDER_available(fips.get(), "default"), 0);

    const auto provider = [](const held& h) {
        return std::string(OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(X509_get0_pubkey(h.peer()))));
    };
    const context_ptr here = client(nullptr, nullptr);
    const context_ptr there = client(fips.get(), "fips=yes");
    for (int i = 0; i < 3; ++i) {
        const held a = shaken(here.get());
        const std::uint64_t before = remembered();
        const held b = shaken(there.get());
        if (i == 0) {
            EXPECT_EQ(remembered(), before) << "the default provider's result is not valid for this one";
        }
        const held c = shaken(there.get());
        EXPECT_EQ(provider(a), "default");
        EXPECT_EQ(provider(b), "fips");
        EXPECT_NE(a.peer(), b.peer());
        EXPECT_EQ(b.peer(), c.peer());
    }
}

} // namespace
} // namespace ibid::test
