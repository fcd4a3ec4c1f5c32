// SPDX-License-Identifier: Apache-2.0
//
// What ibid does at the outer interposition points, where a call enters libcrypto (docs/decisions/0016), and
// what it leaves alone. In Debian's OpenSSL the same calls are intercepted further inside; in Ubuntu's and
// upstream's default builds they cannot be. './dev openssl' runs these tests on the latter.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

#include <gtest/gtest.h>

#include "certificates.h"
#include "connections.h"
#include "ibid_openssl.h"
#include "linkage.h"
#include "openssl/api/features.h"
#include "this_openssl.h"

namespace ibid::test {
namespace {

using lines = std::vector<std::string>;

struct folder {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("ibid-interposition-points-" + std::to_string(getpid()));
    folder() { std::filesystem::create_directories(path); }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;
    ~folder() { std::filesystem::remove_all(path); }

    [[nodiscard]] std::string write(const char* name, const std::vector<X509*>& certificates,
                                    const std::vector<X509_CRL*>& crls = {}) const {
        const std::string file = path / name;
        BIO* const out = BIO_new_file(file.c_str(), "w");
        for (X509* const x : certificates) {
            PEM_write_bio_X509(out, x);
        }
        for (X509_CRL* const crl : crls) {
            PEM_write_bio_X509_CRL(out, crl);
        }
        BIO_free(out);
        return file;
    }
};

// What a program can see of a store: its objects, in order.
[[nodiscard]] lines listing(X509_STORE* store) {
    lines all;
    const objects_of in_store(store);
    for (int i = 0; i < in_store.count(); ++i) {
        const X509_OBJECT* const o = in_store[i];
        unsigned char* der = nullptr;
        const int size = X509_OBJECT_get_type(o) == X509_LU_X509
                             ? i2d_X509(X509_OBJECT_get0_X509(o), &der)
                             : i2d_X509_CRL(X509_OBJECT_get0_X509_CRL(o), &der);
        all.emplace_back(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
        OPENSSL_free(der);
    }
    return all;
}

[[nodiscard]] std::vector<unsigned long> errors() {
    std::vector<unsigned long> all;
    while (const unsigned long code = ERR_get_error()) {
        all.push_back(code);
    }
    return all;
}

[[nodiscard]] ibid_openssl_statistics statistics(ibid_openssl_kind kind) {
    ibid_openssl_statistics s{};
    s.size = sizeof s;
    check(ibid_openssl_get_statistics(kind, &s) == 1, "statistics");
    return s;
}

// A way to load one file into a store: the program's call, and the same call without ibid.
struct way {
    const char* name;
    std::function<int(X509_STORE*, const char*)> here;
    std::function<int(X509_STORE*, const char*)> in_stock;
};

[[nodiscard]] std::vector<way> ways_to_load() {
    const auto lookup = [](X509_STORE* s) { return X509_STORE_add_lookup(s, X509_LOOKUP_file()); };
    return {
        {"file", [](X509_STORE* s, const char* file) { return X509_STORE_load_file(s, file); },
         [](X509_STORE* s, const char* file) {
             return stock(X509_STORE_load_file, "X509_STORE_load_file")(s, file);
         }},
        {"locations", [](X509_STORE* s, const char* file) { return X509_STORE_load_locations(s, file, "/"); },
         [](X509_STORE* s, const char* file) {
             return stock(X509_STORE_load_locations, "X509_STORE_load_locations")(s, file, "/");
         }},
        {"lookup",
         [=](X509_STORE* s, const char* file) {
             return X509_LOOKUP_load_file(lookup(s), file, X509_FILETYPE_PEM);
         },
         [=](X509_STORE* s, const char* file) {
             return stock(X509_LOOKUP_ctrl, "X509_LOOKUP_ctrl")(lookup(s), X509_L_FILE_LOAD, file,
                                                                X509_FILETYPE_PEM, nullptr);
         }},
        {"default lookup",
         [=](X509_STORE* s, const char* file) {
             setenv(X509_get_default_cert_file_env(), file, 1);
             return X509_LOOKUP_load_file(lookup(s), nullptr, X509_FILETYPE_DEFAULT);
         },
         [=](X509_STORE* s, const char* file) {
             setenv(X509_get_default_cert_file_env(), file, 1);
             return stock(X509_LOOKUP_ctrl, "X509_LOOKUP_ctrl")(lookup(s), X509_L_FILE_LOAD, nullptr,
                                                                X509_FILETYPE_DEFAULT, nullptr);
         }},
        {"default paths",
         [](X509_STORE* s, const char* file) {
             setenv(X509_get_default_cert_file_env(), file, 1);
             return X509_STORE_set_default_paths(s);
         },
         [](X509_STORE* s, const char* file) {
             setenv(X509_get_default_cert_file_env(), file, 1);
             return stock(X509_STORE_set_default_paths, "X509_STORE_set_default_paths")(s);
         }},
    };
}

TEST(TrustLoading, EveryWayToLoadAFileSharesItAndShowsWhatStockShows) {
    const folder f;
    const authority one = make_authority("b one");
    const authority two = make_authority("a two", &one);
    const crl_ptr crl = make_crl(one, 3);
    const std::string file =
        f.write("ca.pem", {one.certificate.get(), two.certificate.get(), one.certificate.get()}, {crl.get()});
    for (const way& w : ways_to_load()) {
        SCOPED_TRACE(w.name);
        const store_ptr a(X509_STORE_new());
        const store_ptr b(X509_STORE_new());
        const store_ptr plain(X509_STORE_new());
        EXPECT_EQ(w.here(a.get(), file.c_str()), 1);
        EXPECT_EQ(w.here(b.get(), file.c_str()), 1);
        EXPECT_EQ(errors(), std::vector<unsigned long>());
        EXPECT_EQ(w.in_stock(plain.get(), file.c_str()), 1);
        EXPECT_EQ(objects(a.get()).size(), 3U);
        EXPECT_EQ(objects(a.get()), objects(b.get()));
        EXPECT_EQ(listing(a.get()), listing(plain.get()));
    }
}

TEST(TrustLoading, EveryWayRefusesWhatStockRefusesInItsWords) {
    const folder f;
    const std::string empty = f.write("empty.pem", {});
    for (const way& w : ways_to_load()) {
        for (const std::string& file : {empty, std::string("/nowhere/ca.pem"), std::string("")}) {
            SCOPED_TRACE(std::string(w.name) + " " + file);
            const store_ptr here(X509_STORE_new());
            const store_ptr plain(X509_STORE_new());
            ERR_clear_error();
            const int result = w.here(here.get(), file.c_str());
            const auto said = errors();
            EXPECT_EQ(result, w.in_stock(plain.get(), file.c_str()));
            EXPECT_EQ(said, errors());
        }
    }
}

TEST(TrustLoading, TheWaysThroughLibsslShareToo) {
    const folder f;
    const authority root = make_authority("root");
    const std::string file = f.write("ca.pem", {root.certificate.get()});
    setenv(X509_get_default_cert_file_env(), file.c_str(), 1);
    const std::vector<std::function<int(SSL_CTX*)>> ways{
        [&](SSL_CTX* c) { return SSL_CTX_load_verify_file(c, file.c_str()); },
        [&](SSL_CTX* c) { return SSL_CTX_load_verify_locations(c, file.c_str(), "/"); },
        [&](SSL_CTX* c) { return SSL_CTX_set_default_verify_file(c); },
        [&](SSL_CTX* c) { return SSL_CTX_set_default_verify_paths(c); },
    };
    std::vector<context_ptr> contexts;
    for (const auto& load : ways) {
        contexts.emplace_back(SSL_CTX_new(TLS_client_method()));
        ASSERT_EQ(load(contexts.back().get()), 1);
        const auto held = objects(SSL_CTX_get_cert_store(contexts.back().get()));
        ASSERT_EQ(held.size(), 1U);
        EXPECT_EQ(held, objects(SSL_CTX_get_cert_store(contexts.front().get())));
    }
}

TEST(TrustLoading, AFolderBesideTheFileIsSearched) {
    const folder f;
    const authority root = make_authority("root");
    const authority other = make_authority("other");
    const std::string file = f.write("ca.pem", {root.certificate.get()});
    char hashed[32];
    std::snprintf(hashed, sizeof hashed, "%08lx.0", X509_subject_name_hash(other.certificate.get()));
    (void)f.write(hashed, {other.certificate.get()});
    setenv(X509_get_default_cert_file_env(), file.c_str(), 1);
    setenv(X509_get_default_cert_dir_env(), f.path.c_str(), 1);
    for (int way = 0; way < 2; ++way) {
        for (int again = 0; again < 2; ++again) {
            const store_ptr s(X509_STORE_new());
            ASSERT_EQ(way == 0 ? X509_STORE_load_locations(s.get(), file.c_str(), f.path.c_str())
                               : X509_STORE_set_default_paths(s.get()),
                      1);
            X509_STORE_CTX* const search = X509_STORE_CTX_new();
            X509_STORE_CTX_init(search, s.get(), nullptr, nullptr);
            X509_OBJECT* const found = X509_STORE_CTX_get_obj_by_subject(
                search, X509_LU_X509, X509_get_subject_name(other.certificate.get()));
            EXPECT_NE(found, nullptr) << way;
            X509_OBJECT_free(found);
            X509_STORE_CTX_free(search);
        }
    }
    unsetenv(X509_get_default_cert_dir_env());
}

// A lookup with the program's own method, which accepts the same command.
TEST(TrustLoading, ALookupOfTheProgramsOwnGetsItsCommands) {
    static int commands = 0;
    const folder f;
    const authority root = make_authority("root");
    const std::string file = f.write("ca.pem", {root.certificate.get()});
    X509_LOOKUP_METHOD* const method = X509_LOOKUP_meth_new("of its own");
    X509_LOOKUP_meth_set_ctrl(method, [](X509_LOOKUP*, int, const char*, long, char**) {
        ++commands;
        return 5;
    });
    {
        const store_ptr s(X509_STORE_new());
        X509_LOOKUP* const own = X509_STORE_add_lookup(s.get(), method);
        EXPECT_EQ(X509_LOOKUP_load_file(own, file.c_str(), X509_FILETYPE_PEM), 5);
        EXPECT_EQ(X509_LOOKUP_load_file(own, file.c_str(), X509_FILETYPE_PEM), 5);
        EXPECT_EQ(commands, 2);
        EXPECT_TRUE(objects(s.get()).empty());
    }
    X509_LOOKUP_meth_free(method);
}

// Roots that come from a file: then all certificates of a chain are shared.
class SignatureMemo : public testing::Test {
protected:
    world w;
    folder f;
    std::string ca = f.write("ca.pem", {w.root.certificate.get()});
    context_ptr server = w.context(TLS_server_method(), true);
    context_ptr client = trusting(ca);

    [[nodiscard]] static context_ptr trusting(const std::string& file) {
        context_ptr c(SSL_CTX_new(TLS_client_method()));
        check(SSL_CTX_load_verify_file(c.get(), file.c_str()) == 1, "trust store");
        SSL_CTX_set_verify(c.get(), SSL_VERIFY_PEER, nullptr);
        return c;
    }
    [[nodiscard]] static std::uint64_t remembered() { return statistics(IBID_OPENSSL_SIGNATURES).hits; }
    void SetUp() override {
        // With client certificates, the figures would include another chain.
        SSL_CTX_set_verify(server.get(), SSL_VERIFY_NONE, nullptr);
    }
    [[nodiscard]] long verdict(SSL_CTX* with) {
        connection c(with, server.get());
        (void)c.shake_hands();
        ERR_clear_error();
        return SSL_get_verify_result(c.client.get());
    }
};

TEST_F(SignatureMemo, AreVerifiedOnce) {
    connection first(client.get(), server.get());
    ASSERT_TRUE(first.shake_hands());
    const std::uint64_t before = remembered();
    connection second(client.get(), server.get());
    ASSERT_TRUE(second.shake_hands());
    EXPECT_EQ(remembered() - before, 2U);
    EXPECT_EQ(SSL_get_verify_result(second.client.get()), X509_V_OK);
    EXPECT_EQ(sk_X509_num(SSL_get0_verified_chain(second.client.get())), 3);
    EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST_F(SignatureMemo, AreRememberedByTheProgramsTrustAnew) {
    ASSERT_EQ(verdict(client.get()), X509_V_OK);
    const authority stranger = make_authority("stranger");
    const context_ptr other = trusting(f.write("other.pem", {stranger.certificate.get()}));
    EXPECT_EQ(verdict(other.get()), X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    const context_ptr namesake =
        trusting(f.write("namesake.pem", {make_authority("root").certificate.get()}));
    EXPECT_EQ(verdict(namesake.get()), X509_V_ERR_CERT_SIGNATURE_FAILURE);
    EXPECT_EQ(verdict(client.get()), X509_V_OK);
}

TEST_F(SignatureMemo, AreNoneOfTheDatesBusiness) {
    ASSERT_EQ(verdict(client.get()), X509_V_OK);
    const context_ptr later = trusting(ca);
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(later.get()), time(nullptr) + 100L * 86400);
    EXPECT_EQ(verdict(later.get()), X509_V_ERR_CERT_HAS_EXPIRED);
    const context_ptr earlier = trusting(ca);
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(earlier.get()), time(nullptr) - 100L * 86400);
    EXPECT_EQ(verdict(earlier.get()), X509_V_ERR_CERT_NOT_YET_VALID);
    const context_ptr careless = trusting(ca);
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(careless.get()), X509_V_FLAG_NO_CHECK_TIME);
    EXPECT_EQ(verdict(careless.get()), X509_V_OK);
}

TEST_F(SignatureMemo, AreVerifiedAnewWhenTheAlgorithmsMayHaveChanged) {
    ASSERT_EQ(verdict(client.get()), X509_V_OK);
    const std::uint64_t before = remembered();
    ASSERT_EQ(EVP_set_default_properties(nullptr, ""), 1);
    ASSERT_EQ(verdict(client.get()), X509_V_OK);
    EXPECT_EQ(remembered(), before);
}

TEST_F(SignatureMemo, AreAllToldToAVerifyCallback) {
    static std::vector<std::pair<int, const void*>> told;
    ASSERT_EQ(verdict(client.get()), X509_V_OK);
    SSL_CTX_set_verify(client.get(), SSL_VERIFY_PEER, [](int ok, X509_STORE_CTX* v) {
        told.emplace_back(X509_STORE_CTX_get_error_depth(v), X509_STORE_CTX_get0_current_issuer(v));
        return ok;
    });
    ASSERT_EQ(verdict(client.get()), X509_V_OK);
    ASSERT_EQ(told.size(), 3U);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(told[static_cast<std::size_t>(i)].first, 2 - i);
        EXPECT_NE(told[static_cast<std::size_t>(i)].second, nullptr);
    }
}

TEST_F(SignatureMemo, AreLeftToAProgramThatVerifiesThemItself) {
    static int verified = 0;
    ASSERT_EQ(verdict(client.get()), X509_V_OK);
    X509_STORE_set_verify(SSL_CTX_get_cert_store(client.get()), [](X509_STORE_CTX*) {
        ++verified;
        return 1;
    });
    ASSERT_EQ(verdict(client.get()), X509_V_OK);
    EXPECT_EQ(verified, 1);
}

TEST_F(SignatureMemo, OfARootToItselfAreCheckedWhereThatIsAskedFor) {
    ASSERT_EQ(verdict(client.get()), X509_V_OK);
    // The same root with another signature: trusted, but with a wrong signature.
    const bytes der = der_of(w.root.certificate.get());
    bytes broken = der;
    broken.back() = static_cast<unsigned char>(broken.back() ^ 1U);
    const unsigned char* p = broken.data();
    const x509_ptr root(d2i_X509(nullptr, &p, static_cast<long>(broken.size())));
    const context_ptr careful = trusting(f.write("broken.pem", {root.get()}));
    EXPECT_EQ(verdict(careful.get()), X509_V_OK) << "nobody asks";
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(careful.get()), X509_V_FLAG_CHECK_SS_SIGNATURE);
    EXPECT_EQ(verdict(careful.get()), X509_V_ERR_CERT_SIGNATURE_FAILURE);
}

TEST_F(SignatureMemo, OfAnIssuerThatMayNotSignAreRefused) {
    // One key, two certificates of it, one of which must not sign others.
    ASSERT_EQ(verdict(client.get()), X509_V_OK);
    const x509_ptr forbidden = certificate_of(make_der("root", w.root.key.get(), nullptr, true,
                                                       {.extensions = {{"keyUsage", "critical,cRLSign"}}}));
    const context_ptr c = trusting(f.write("forbidden.pem", {forbidden.get()}));
    for (int i = 0; i < 2; ++i) {
        EXPECT_NE(verdict(c.get()), X509_V_OK);
    }
}

TEST(Features, AreSaidToBeActiveWhereTheyAre) {
    EXPECT_EQ(ibid_openssl_why_not(IBID_OPENSSL_FEATURE_PEERS), nullptr);
    EXPECT_EQ(ibid_openssl_why_not(IBID_OPENSSL_FEATURE_TRUST_STORES), nullptr);
    EXPECT_EQ(ibid_openssl_why_not(IBID_OPENSSL_FEATURE_VERIFY_MEMO), nullptr);
    EXPECT_EQ(ibid_openssl_why_not(IBID_OPENSSL_FEATURE_CALLS), nullptr);
}

TEST(Features, FollowFromHowOpensslIsBuiltAndIntercepted) {
    using namespace ibid::openssl;
    const auto active = [](circumstances c) {
        std::string all;
        for (const feature& f : features_of(c)) {
            EXPECT_STRNE(f.why, "");
            all += f.active ? '+' : '-';
        }
        return all;
    };
    EXPECT_EQ(active({}), "++++-");
    EXPECT_EQ(active({.symbolic = true}), "++++-");
    EXPECT_EQ(active({.libssl = false}), "--++-");
    EXPECT_EQ(active({.libssl = false, .symbolic = true}), "--+--");
    EXPECT_EQ(active({.verify_memo = false}), "+++--");
    EXPECT_EQ(active({.everything = true}), "+++++");
    EXPECT_EQ(active({.intercepted = false, .everything = true}), "-----");
    EXPECT_EQ(active({.writer = true}), "-----");
    EXPECT_EQ(active({.everything = true, .writer = true}), "-----");
    EXPECT_EQ(active({.obstacle = "none"}), "-----");
    EXPECT_STREQ(features_of({.obstacle = "none"})[feature_peers].why, "none");
}

} // namespace
} // namespace ibid::test
