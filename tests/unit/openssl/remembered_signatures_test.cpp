// SPDX-License-Identifier: Apache-2.0
//
// Each argument of docs/decisions/0005-verify-memo.md: after anything that could change the result of
// X509_verify, ibid lets OpenSSL verify again, and returns OpenSSL's result. See stock_or_ibid.h. Only a
// client's handshakes use the memo: a program's own X509_verify is not intercepted.
#include <openssl/conf.h>
#include <openssl/dsa.h>
#ifndef OPENSSL_NO_ENGINE
#include <openssl/engine.h>
#endif
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "certificates.h"
#include "connections.h"
#include "stock_or_ibid.h"
#include "this_openssl.h"

namespace ibid::test {
namespace {

// A file with one certificate.
struct file_of {
    explicit file_of(const X509* x)
        : path(testing::TempDir() + "ibid-loaded-" + std::to_string(getpid()) + "-" +
               std::to_string(++made)) {
        const std::string pem = as_pem(PEM_STRING_X509, der_of(x));
        std::ofstream(path) << pem;
    }
    file_of(const file_of&) = delete;
    file_of& operator=(const file_of&) = delete;
    ~file_of() { std::remove(path.c_str()); }
    const std::string path;
    static inline int made = 0;
};

// A trust store's only certificate, which is shared.
struct loaded_authority {
    explicit loaded_authority(const authority& a = make_authority("loaded")) {
        const file_of file(a.certificate.get());
        check(X509_STORE_load_file(store.get(), file.path.c_str()) == 1, "load");
        certificate = objects_of(store.get()).certificate(0);
    }

    store_ptr store{X509_STORE_new()};
    X509* certificate = nullptr;
};

// A client that trusts a file, and a server that asks for no certificate: all of a chain is shared, and a
// handshake verifies two links of it.
class Signatures : public testing::Test {
protected:
    void SetUp() override {
        SSL_CTX_set_verify(server_.get(), SSL_VERIFY_NONE, nullptr);
        for (SSL_CTX* const c : {client_.get(), server_.get()}) {
            SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
        }
        ASSERT_TRUE(verifies()); // for the first time
        ASSERT_TRUE(remembered());
    }
    void TearDown() override { ERR_clear_error(); }

    // Whether a further handshake succeeds.
    [[nodiscard]] bool verifies() { return verdict(client_.get(), server_.get()) == X509_V_OK; }
    [[nodiscard]] static long verdict(SSL_CTX* client, SSL_CTX* server) {
        connection c(client, server);
        const bool done = c.shake_hands();
        const long result = SSL_get_verify_result(c.client.get());
        EXPECT_EQ(done, result == X509_V_OK);
        return result;
    }

    // Whether the next verification of the chain, which succeeds, uses the memo.
    [[nodiscard]] bool remembered() {
        const counted signatures(IBID_OPENSSL_SIGNATURES);
        EXPECT_TRUE(verifies());
        return sharing() ? signatures.hits() == 2 && signatures.misses() == 0 : true;
    }

    // Whether the next verification does not use the memo. In stock this is always true, so both runs can
    // check it.
    [[nodiscard]] bool asked_again() {
        const counted signatures(IBID_OPENSSL_SIGNATURES);
        EXPECT_TRUE(verifies());
        return signatures.hits() == 0;
    }

    [[nodiscard]] context_ptr trusting(const std::string& file) const {
        context_ptr c(SSL_CTX_new(TLS_client_method()));
        check(SSL_CTX_load_verify_file(c.get(), file.c_str()) == 1, "trust store");
        SSL_CTX_set_verify(c.get(), SSL_VERIFY_PEER, nullptr);
        return c;
    }

    world w;
    file_of root_{w.root.certificate.get()};
    context_ptr client_ = trusting(root_.path);
    context_ptr server_ = w.context(TLS_server_method(), true);
};

TEST_F(Signatures, AreVerifiedOnceForEachPair) {
    EXPECT_TRUE(remembered());
    const context_ptr other = trusting(root_.path); // the same root, from the same file
    const counted signatures(IBID_OPENSSL_SIGNATURES);
    EXPECT_EQ(verdict(other.get(), server_.get()), X509_V_OK);
    EXPECT_EQ(signatures.hits(), sharing() ? 2U : 0U);
}

// The program's own verifications are always done.
TEST_F(Signatures, ThatTheProgramVerifiesAreVerified) {
    connection c(client_.get(), server_.get());
    ASSERT_TRUE(c.shake_hands());
    STACK_OF(X509)* const chain = SSL_get0_verified_chain(c.client.get());
    ASSERT_EQ(sk_X509_num(chain), 3);
    const counted signatures(IBID_OPENSSL_SIGNATURES);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(X509_verify(sk_X509_value(chain, 0), X509_get0_pubkey(sk_X509_value(chain, 1))), 1);
    }
    EXPECT_EQ(signatures.hits() + signatures.misses(), 0U);
    EXPECT_TRUE(remembered());
}

// The memo stores only successes.
TEST_F(Signatures, ThatAreWrongAreWrongEveryTime) {
    // The same names, other keys.
    const world stranger;
    const file_of other_root(stranger.root.certificate.get());
    const context_ptr wrong = trusting(other_root.path);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(verdict(wrong.get(), server_.get()), X509_V_ERR_CERT_SIGNATURE_FAILURE);
        EXPECT_NE(ERR_peek_error(), 0UL);
        ERR_clear_error();
    }
    EXPECT_TRUE(remembered()); // and do not affect the right ones
}

// New keys may have the addresses of freed ones; each shared key has a number that is never used again.
TEST_F(Signatures, EndWithTheKeyThatVerifiedThem) {
    for (int i = 0; i < 40; ++i) {
        const authority other = make_authority("intermediate", &w.root);
        const x509_ptr its_leaf = make_certificate("server.example", w.key.get(), &other, false);
        const auto serve = [&](const authority& in_chain) {
            context_ptr c(SSL_CTX_new(TLS_server_method()));
            SSL_CTX_use_certificate(c.get(), its_leaf.get());
            SSL_CTX_use_PrivateKey(c.get(), w.key.get());
            SSL_CTX_add1_chain_cert(c.get(), in_chain.certificate.get());
            return c;
        };
        EXPECT_EQ(verdict(client_.get(), serve(other).get()), X509_V_OK);
        EXPECT_EQ(verdict(client_.get(), serve(w.intermediate).get()), X509_V_ERR_CERT_SIGNATURE_FAILURE)
            << "the same name, another key";
        ERR_clear_error();
        ibid_openssl_trim(); // otherwise it would be retained, and keep its address
    }
}

// Properties that no algorithm has: a chain that verified before does not verify now.
TEST_F(Signatures, AreRefusedWhereNoAlgorithmIsFit) {
    connection c(client_.get(), server_.get());
    ASSERT_TRUE(c.shake_hands());
    STACK_OF(X509)* const chain = SSL_get0_verified_chain(c.client.get());
    const auto verify = [&] {
        const testbed::owned_verification verification(X509_STORE_CTX_new());
        X509_STORE_CTX_init(verification.get(), SSL_CTX_get_cert_store(client_.get()),
                            sk_X509_value(chain, 0), SSL_get_peer_cert_chain(c.client.get()));
        const int result = X509_verify_cert(verification.get());
        ERR_clear_error();
        return result == 1;
    };
    ASSERT_TRUE(verify());
    ASSERT_EQ(EVP_set_default_properties(nullptr, "fips=yes"), 1);
    EXPECT_FALSE(verify());
    ASSERT_EQ(EVP_set_default_properties(nullptr, ""), 1);
    EXPECT_TRUE(verify());
    ASSERT_EQ(EVP_default_properties_enable_fips(nullptr, 1), 1);
    EXPECT_FALSE(verify());
    ASSERT_EQ(EVP_default_properties_enable_fips(nullptr, 0), 1);
    EXPECT_TRUE(verify());
    EXPECT_TRUE(verifies());
    EXPECT_TRUE(remembered());
}

// Every public call that may change the available algorithms.
TEST_F(Signatures, AreAskedForAnewAfterEachReconfiguration) {
    const std::string file = testing::TempDir() + "ibid-conf-" + std::to_string(getpid()) + ".cnf";
    std::ofstream(file) << "openssl_conf = all\n[all]\n";
    CONF* const configuration = NCONF_new(nullptr);
    long line = 0;
    ASSERT_EQ(NCONF_load(configuration, file.c_str(), &line), 1);
    OSSL_PROVIDER* loaded = nullptr;
    const std::vector<std::pair<const char*, std::function<void()>>> calls = {
        {"OSSL_PROVIDER_load", [&] { loaded = OSSL_PROVIDER_load(nullptr, "default"); }},
        {"OSSL_PROVIDER_unload", [&] { OSSL_PROVIDER_unload(loaded); }},
        {"OSSL_PROVIDER_try_load",
         [&] { OSSL_PROVIDER_unload(OSSL_PROVIDER_try_load(nullptr, "default", 1)); }},
        {"EVP_set_default_properties", [] { EVP_set_default_properties(nullptr, ""); }},
        {"EVP_default_properties_enable_fips", [] { EVP_default_properties_enable_fips(nullptr, 0); }},
        {"OSSL_LIB_CTX_load_config", [&] { OSSL_LIB_CTX_load_config(nullptr, file.c_str()); }},
        {"CONF_modules_load", [&] { CONF_modules_load(configuration, "openssl_conf", 0); }},
        {"CONF_modules_load_file", [&] { CONF_modules_load_file(file.c_str(), "openssl_conf", 0); }},
        {"CONF_modules_load_file_ex",
         [&] { CONF_modules_load_file_ex(nullptr, file.c_str(), "openssl_conf", 0); }},
#if OPENSSL_VERSION_MAJOR < 4
        {"EVP_PKEY_meth_add0",
         [] {
             static EVP_PKEY_METHOD* const method = EVP_PKEY_meth_new(NID_undef, 0);
             EVP_PKEY_meth_add0(method);
             EVP_PKEY_meth_remove(method);
         }},
#endif
#if OPENSSL_VERSION_MAJOR < 4 && !defined(OPENSSL_NO_ENGINE)
        {"ENGINE_register_all_complete", [] { ENGINE_register_all_complete(); }},
        {"ENGINE_register_all_RSA", [] { ENGINE_register_all_RSA(); }},
        {"ENGINE_register_all_EC", [] { ENGINE_register_all_EC(); }},
        {"ENGINE_register_all_DSA", [] { ENGINE_register_all_DSA(); }},
        {"ENGINE_register_all_digests", [] { ENGINE_register_all_digests(); }},
        {"ENGINE_register_all_pkey_meths", [] { ENGINE_register_all_pkey_meths(); }},
        {"ENGINE_register_all_pkey_asn1_meths", [] { ENGINE_register_all_pkey_asn1_meths(); }},
#endif
    };
    for (const auto& [name, call] : calls) {
        ASSERT_TRUE(remembered()) << name;
        ERR_clear_error();
        call();
        EXPECT_TRUE(asked_again()) << name;
        EXPECT_TRUE(remembered()) << name;
    }
#ifndef OPENSSL_NO_ENGINE
    // The calls for one engine. An engine without algorithms changes nothing, but signatures are verified
    // again nevertheless.
    ENGINE* const engine = ENGINE_new();
    ENGINE_set_id(engine, "ibid-test");
    ENGINE_set_name(engine, "does nothing");
    const std::pair<const char*, int (*)(ENGINE*)> of_one[] = {
        {"ENGINE_register_complete", &ENGINE_register_complete},
        {"ENGINE_register_RSA", &ENGINE_register_RSA},
        {"ENGINE_register_DSA", &ENGINE_register_DSA},
        {"ENGINE_register_EC", &ENGINE_register_EC},
        {"ENGINE_register_digests", &ENGINE_register_digests},
        {"ENGINE_register_pkey_meths", &ENGINE_register_pkey_meths},
        {"ENGINE_register_pkey_asn1_meths", &ENGINE_register_pkey_asn1_meths},
        {"ENGINE_set_default_RSA", &ENGINE_set_default_RSA},
        {"ENGINE_set_default_DSA", &ENGINE_set_default_DSA},
        {"ENGINE_set_default_EC", &ENGINE_set_default_EC},
        {"ENGINE_set_default_digests", &ENGINE_set_default_digests},
        {"ENGINE_set_default_pkey_meths", &ENGINE_set_default_pkey_meths},
        {"ENGINE_set_default_pkey_asn1_meths", &ENGINE_set_default_pkey_asn1_meths},
        {"ENGINE_set_default", [](ENGINE* e) { return ENGINE_set_default(e, ENGINE_METHOD_ALL); }},
        {"ENGINE_set_default_string", [](ENGINE* e) { return ENGINE_set_default_string(e, "ALL"); }},
    };
    for (const auto& [name, call] : of_one) {
        ASSERT_TRUE(remembered()) << name;
        ERR_clear_error();
        call(engine);
        EXPECT_TRUE(asked_again()) << name;
        EXPECT_TRUE(remembered()) << name;
    }
    ENGINE_free(engine);
#endif
    NCONF_free(configuration);
    std::remove(file.c_str());
}

#ifndef OPENSSL_NO_DSA
// RFC 3279, 2.3.2: a key may inherit its parameters from its issuer's key. Verifying a chain fills them in,
// which is a write.
TEST(Parameters, ThatAKeyInheritsKeepItsCertificateFromBeingShared) {
    const auto generate = [] {
        unsigned char* der = nullptr;
        const std::size_t size = ibid_pki_dsa_key(&der);
        const unsigned char* p = der;
        key_ptr made(d2i_AutoPrivateKey(nullptr, &p, static_cast<long>(size)));
        ibid_pki_free(der);
        check(made != nullptr, "a DSA key");
        return made;
    };
    const authority root = make_authority("root");
    const key_ptr key = generate();
    const x509_ptr whole = certificate_of(make_der("dsa", key.get(), &root, true));
    const x509_ptr lacking =
        certificate_of(make_der("dsa", key.get(), &root, true, {.flags = ibid_pki_without_parameters}));
    const auto load = [](const x509_ptr& x) {
        authority a;
        X509_up_ref(x.get());
        a.certificate.reset(x.get());
        return loaded_authority(a);
    };
    {
        const loaded_authority a = load(whole);
        const loaded_authority b = load(whole);
        EXPECT_TRUE(shared_as_it_should_be(a.certificate, b.certificate));
    }
    const loaded_authority a = load(lacking);
    const loaded_authority b = load(lacking);
    EVP_PKEY* const in_store = X509_get0_pubkey(a.certificate);
    if (in_store != nullptr) { // some versions do not decode such a key at all
        EXPECT_EQ(EVP_PKEY_missing_parameters(in_store), 1);
    }
    EXPECT_NE(a.certificate, b.certificate);
    ERR_clear_error();
}
#endif

} // namespace
} // namespace ibid::test
