// SPDX-License-Identifier: Apache-2.0
//
// Each argument of docs/decisions/0005-verify-memo.md: what could change the answer of X509_verify makes ibid ask OpenSSL
// again, and the answer is OpenSSL's. See stock_or_ibid.h.
#define OPENSSL_SUPPRESS_DEPRECATED // programs still call them
#include <openssl/conf.h>
#include <openssl/dh.h>
#include <openssl/dsa.h>
#include <openssl/ec.h>
#ifndef OPENSSL_NO_ENGINE
#include <openssl/engine.h>
#endif
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
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

namespace ibid::test {
namespace {

// A trust store's only certificate, which is shared.
struct loaded_authority {
    explicit loaded_authority(const authority& a = make_authority("loaded")) {
        const std::string path = testing::TempDir() + "ibid-loaded-" + std::to_string(getpid()) + ".pem";
        BIO* const out = BIO_new_file(path.c_str(), "w");
        PEM_write_bio_X509(out, a.certificate.get());
        BIO_free(out);
        check(X509_STORE_load_file(store.get(), path.c_str()) == 1, "load");
        std::remove(path.c_str());
        certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(X509_STORE_get0_objects(store.get()), 0));
    }

    store_ptr store{X509_STORE_new()};
    X509* certificate = nullptr;
};

// A chain that a handshake has brought: its certificates are shared, and its signatures were verified.
class Signatures : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(connection_.shake_hands());
        STACK_OF(X509)* const chain = SSL_get0_verified_chain(connection_.client.get());
        ASSERT_EQ(sk_X509_num(chain), 3);
        leaf = sk_X509_value(chain, 0);
        intermediate = sk_X509_value(chain, 1);
        key = X509_get0_pubkey(intermediate);
        ASSERT_TRUE(remembered());
    }
    void TearDown() override { ERR_clear_error(); }

    // Whether the next verification of the leaf was taken from memory. It succeeds.
    [[nodiscard]] bool remembered() const {
        const counted signatures(IBID_OPENSSL_SIGNATURES);
        EXPECT_EQ(X509_verify(leaf, key), 1);
        EXPECT_LE(signatures.hits() + signatures.misses(), 1U);
        return sharing() ? signatures.hits() == 1 : true;
    }

    // Stock, nothing is ever remembered; both runs ask for what they have to answer alike.
    [[nodiscard]] bool asked_again() const { return !sharing() || !remembered(); }

    world w;
    context_ptr client_ = w.context(TLS_client_method(), false);
    context_ptr server_ = w.context(TLS_server_method(), true);
    connection connection_{client_.get(), server_.get()};
    X509* leaf = nullptr;
    X509* intermediate = nullptr;
    EVP_PKEY* key = nullptr;
};

TEST_F(Signatures, AreVerifiedOnceForEachPair) {
    EXPECT_TRUE(remembered());
    const counted signatures(IBID_OPENSSL_SIGNATURES);
    connection again(client_.get(), server_.get());
    ASSERT_TRUE(again.shake_hands());
    EXPECT_EQ(signatures.hits() > 0, sharing_inside());
    if (!symbolic()) { // there, whole chains are remembered, if the root comes from a file; this one does not
        EXPECT_EQ(signatures.misses(), 0U);
    }
}

// Only successes.
TEST_F(Signatures, ThatAreWrongAreWrongEveryTime) {
    const world stranger;
    for (int i = 0; i < 3; ++i) {
        ERR_clear_error();
        EXPECT_NE(X509_verify(leaf, X509_get0_pubkey(stranger.intermediate.certificate.get())), 1);
        EXPECT_NE(ERR_peek_error(), 0UL);
    }
    ERR_clear_error();
    EXPECT_TRUE(remembered()); // and say nothing of the right ones
}

// OpenSSL verifies what it once read until somebody has it encoded again.
TEST_F(Signatures, OfACertificateThatIsWrittenToAreAskedForAnew) {
    const counted signatures(IBID_OPENSSL_SIGNATURES);
    ASSERT_EQ(X509_set_version(leaf, X509_VERSION_1), 1);
    EXPECT_EQ(X509_verify(leaf, key), 1);
    ASSERT_GT(i2d_re_X509_tbs(leaf, nullptr), 0);
    EXPECT_NE(X509_verify(leaf, key), 1);
    EXPECT_EQ(signatures.hits(), 0U);
}

TEST_F(Signatures, OfACertificateThatIsSignedAnewAreTheNewOnes) {
    const authority stranger = make_authority("stranger");
    ASSERT_GT(X509_sign(leaf, stranger.key.get(), EVP_sha256()), 0);
    EXPECT_NE(X509_verify(leaf, key), 1);
    ERR_clear_error();
    EXPECT_EQ(X509_verify(leaf, stranger.key.get()), 1);
}

TEST_F(Signatures, OfACopyAreNotThoseOfTheOriginal) {
    const x509_ptr copy(X509_dup(leaf));
    const counted signatures(IBID_OPENSSL_SIGNATURES);
    EXPECT_EQ(X509_verify(copy.get(), key), 1);
    EXPECT_EQ(signatures.hits(), 0U);
    ASSERT_EQ(X509_set_version(copy.get(), X509_VERSION_1), 1);
    ASSERT_GT(i2d_re_X509_tbs(copy.get(), nullptr), 0);
    EXPECT_NE(X509_verify(copy.get(), key), 1);
    ERR_clear_error();
    EXPECT_TRUE(remembered());
}

TEST_F(Signatures, ByACopyOfTheKeyAreNotThoseOfTheKey) {
    const key_ptr copy(EVP_PKEY_dup(key));
    const counted signatures(IBID_OPENSSL_SIGNATURES);
    EXPECT_EQ(X509_verify(leaf, copy.get()), 1);
    EXPECT_EQ(signatures.hits(), 0U);
}

// Keys come and go at the same addresses; each shared one has a number that no other ever had.
TEST_F(Signatures, EndWithTheKeyThatVerifiedThem) {
    for (int i = 0; i < 200; ++i) {
        const authority other = make_authority("intermediate", &w.root);
        const loaded_authority issuer(other);
        const x509_ptr signed_by_it = make_certificate("x", w.key.get(), &other, false);
        EXPECT_EQ(X509_verify(signed_by_it.get(), X509_get0_pubkey(issuer.certificate)), 1);
        ERR_clear_error();
        EXPECT_NE(X509_verify(leaf, X509_get0_pubkey(issuer.certificate)), 1) << "the same name, another key";
        ibid_openssl_trim(); // or it would stay, and so would its address
    }
    ERR_clear_error();
}

// A context whose properties no algorithm has: what was verified before does not verify now.
TEST_F(Signatures, AreRefusedWhereNoAlgorithmIsFit) {
    ASSERT_EQ(EVP_set_default_properties(nullptr, "fips=yes"), 1);
    EXPECT_NE(X509_verify(leaf, key), 1);
    ERR_clear_error();
    ASSERT_EQ(EVP_set_default_properties(nullptr, ""), 1);
    EXPECT_TRUE(asked_again());
    EXPECT_TRUE(remembered());
    ASSERT_EQ(EVP_default_properties_enable_fips(nullptr, 1), 1);
    EXPECT_NE(X509_verify(leaf, key), 1);
    ERR_clear_error();
    ASSERT_EQ(EVP_default_properties_enable_fips(nullptr, 0), 1);
    EXPECT_TRUE(asked_again());
    EXPECT_TRUE(remembered());
}

// Every public call that may change which algorithms there are.
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
        {"EVP_PKEY_meth_add0",
         [] {
             static EVP_PKEY_METHOD* const method = EVP_PKEY_meth_new(NID_undef, 0);
             EVP_PKEY_meth_add0(method);
             EVP_PKEY_meth_remove(method);
         }},
#ifndef OPENSSL_NO_ENGINE
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
    // Those of one engine: one that can do nothing changes nothing, and is verified anew all the same.
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

// Every public setter of a key: also one that fails may have done half of its work.
TEST_F(Signatures, AreAskedForAnewAfterEachWriteToTheKey) {
    const authority other = make_authority("other");
    unsigned char point[1] = {0};
    OSSL_PARAM nothing[] = {OSSL_PARAM_construct_end()};
    const std::vector<std::pair<const char*, std::function<void()>>> writes = {
        {"EVP_PKEY_copy_parameters", [&] { EVP_PKEY_copy_parameters(key, other.key.get()); }},
        {"EVP_PKEY_set1_encoded_public_key", [&] { EVP_PKEY_set1_encoded_public_key(key, nullptr, 0); }},
        {"EVP_PKEY_set_params", [&] { EVP_PKEY_set_params(key, nothing); }},
        {"EVP_PKEY_set_int_param", [&] { EVP_PKEY_set_int_param(key, "no such thing", 1); }},
        {"EVP_PKEY_set_size_t_param", [&] { EVP_PKEY_set_size_t_param(key, "no such thing", 1); }},
        {"EVP_PKEY_set_bn_param", [&] { EVP_PKEY_set_bn_param(key, "no such thing", BN_value_one()); }},
        {"EVP_PKEY_set_utf8_string_param",
         [&] { EVP_PKEY_set_utf8_string_param(key, "no such thing", "x"); }},
        {"EVP_PKEY_set_octet_string_param",
         [&] { EVP_PKEY_set_octet_string_param(key, "no such thing", point, sizeof point); }},
#ifndef OPENSSL_NO_ENGINE
        {"EVP_PKEY_set1_engine", [&] { EVP_PKEY_set1_engine(key, nullptr); }},
#endif
    };
    for (const auto& [name, write] : writes) {
        ASSERT_TRUE(remembered()) << name;
        write();
        ERR_clear_error();
        EXPECT_TRUE(asked_again()) << name;
        EXPECT_TRUE(remembered()) << name;
    }
}

// The setters that put another key into the object. One write makes all that is remembered void, so it need not be the key
// of this chain, which would be lost.
TEST_F(Signatures, AreAskedForAnewAfterAnyOtherSharedKeyIsReplaced) {
    const authority other = make_authority("other");
    EC_KEY* const ec = EVP_PKEY_get1_EC_KEY(other.key.get());
    const key_ptr rsa_key(EVP_RSA_gen(2048));
    RSA* const rsa = EVP_PKEY_get1_RSA(rsa_key.get());
    EVP_KEYMGMT* const management = EVP_KEYMGMT_fetch(nullptr, "RSA", nullptr);
    const std::vector<std::pair<const char*, std::function<int(EVP_PKEY*)>>> writes = {
        {"EVP_PKEY_set1_EC_KEY", [&](EVP_PKEY* k) { return EVP_PKEY_set1_EC_KEY(k, ec); }},
        {"EVP_PKEY_set1_RSA", [&](EVP_PKEY* k) { return EVP_PKEY_set1_RSA(k, rsa); }},
        {"EVP_PKEY_assign",
         [&](EVP_PKEY* k) {
             EC_KEY_up_ref(ec);
             return EVP_PKEY_assign(k, EVP_PKEY_EC, ec);
         }},
#ifndef OPENSSL_NO_DSA
        {"EVP_PKEY_set1_DSA",
         [](EVP_PKEY* k) {
             DSA* const dsa = DSA_new();
             const int result = EVP_PKEY_set1_DSA(k, dsa);
             DSA_free(dsa);
             return result;
         }},
#endif
#ifndef OPENSSL_NO_DH
        {"EVP_PKEY_set1_DH",
         [](EVP_PKEY* k) {
             DH* const dh = DH_new();
             const int result = EVP_PKEY_set1_DH(k, dh);
             DH_free(dh);
             return result;
         }},
#endif
        // What it cannot read leaves the key empty.
        {"d2i_PrivateKey_ex_bio",
         [](EVP_PKEY* k) {
             static constexpr unsigned char no_key[] = {0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x05};
             BIO* const in = BIO_new_mem_buf(no_key, sizeof no_key);
             const bool refused = d2i_PrivateKey_ex_bio(in, &k, nullptr, nullptr) == nullptr;
             BIO_free(in);
             ERR_clear_error();
             return refused ? 1 : 0;
         }},
        // A callback of libcrypto's whose last call is compiled to a jump, where the compiler optimizes (-O2): the setter's caller
        // seems to be libcrypto itself.
        {"EVP_PKEY_set_type in a callback",
         [](EVP_PKEY* k) {
             OPENSSL_STACK* const keys = OPENSSL_sk_new_null();
             OPENSSL_sk_push(keys, k);
             OPENSSL_sk_pop_free(
                 keys, [](void* one) { (void)EVP_PKEY_set_type(static_cast<EVP_PKEY*>(one), EVP_PKEY_RSA); });
             return 1;
         }},
        {"EVP_PKEY_set_type", [](EVP_PKEY* k) { return EVP_PKEY_set_type(k, EVP_PKEY_RSA); }},
        {"EVP_PKEY_set_type_str", [](EVP_PKEY* k) { return EVP_PKEY_set_type_str(k, "RSA", 3); }},
        {"EVP_PKEY_set_type_by_keymgmt",
         [&](EVP_PKEY* k) { return EVP_PKEY_set_type_by_keymgmt(k, management); }},
    };
    for (const auto& [name, write] : writes) {
        const loaded_authority victim;
        ASSERT_TRUE(remembered()) << name;
        EXPECT_EQ(write(X509_get0_pubkey(victim.certificate)), 1) << name;
        EXPECT_TRUE(asked_again()) << name;
        EXPECT_TRUE(remembered()) << name;
    }
    EVP_KEYMGMT_free(management);
    RSA_free(rsa);
    EC_KEY_free(ec);
}

TEST_F(Signatures, ByAKeyThatHasBecomeAnotherAreThoseOfTheOther) {
    const authority stranger = make_authority("stranger");
    unsigned char* point = nullptr;
    const std::size_t size = EVP_PKEY_get1_encoded_public_key(stranger.key.get(), &point);
    ASSERT_EQ(EVP_PKEY_set1_encoded_public_key(key, point, size), 1);
    OPENSSL_free(point);
    EXPECT_NE(X509_verify(leaf, key), 1);
    ERR_clear_error();
    const x509_ptr other = make_certificate("other", w.key.get(), &stranger, false);
    EXPECT_EQ(X509_verify(other.get(), key), 1);
}

#ifndef OPENSSL_NO_DSA
// RFC 3279, 2.3.2: a key may leave its parameters to its issuer's. Verifying a chain fills them in, which is a write.
TEST(Parameters, ThatAKeyInheritsKeepItsCertificateFromBeingShared) {
    const auto generate = [] {
        const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> parameters(
            EVP_PKEY_CTX_new_id(EVP_PKEY_DSA, nullptr), &EVP_PKEY_CTX_free);
        EVP_PKEY* domain = nullptr;
        check(EVP_PKEY_paramgen_init(parameters.get()) == 1, "paramgen");
        EVP_PKEY_CTX_set_dsa_paramgen_bits(parameters.get(), 1024);
        EVP_PKEY_CTX_set_dsa_paramgen_q_bits(parameters.get(), 160);
        check(EVP_PKEY_paramgen(parameters.get(), &domain) == 1, "paramgen");
        const key_ptr owned(domain);
        const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
            EVP_PKEY_CTX_new(domain, nullptr), &EVP_PKEY_CTX_free);
        EVP_PKEY* key = nullptr;
        check(EVP_PKEY_keygen_init(context.get()) == 1 && EVP_PKEY_keygen(context.get(), &key) == 1,
              "keygen");
        return key_ptr(key);
    };
    const authority root = make_authority("root");
    const key_ptr key = generate();
    const x509_ptr whole = make_certificate("dsa", key.get(), &root, true);
    const x509_ptr lacking = make_certificate("dsa", key.get(), &root, true);
    X509_PUBKEY* const place = X509_get_X509_PUBKEY(lacking.get());
    const unsigned char* bits = nullptr;
    int size = 0;
    X509_PUBKEY_get0_param(nullptr, &bits, &size, nullptr, place);
    auto* const copy = static_cast<unsigned char*>(OPENSSL_memdup(bits, static_cast<std::size_t>(size)));
    ASSERT_EQ(X509_PUBKEY_set0_param(place, OBJ_nid2obj(NID_dsa), V_ASN1_UNDEF, nullptr, copy, size), 1);
    ASSERT_GT(X509_sign(lacking.get(), root.key.get(), EVP_sha256()), 0);

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
