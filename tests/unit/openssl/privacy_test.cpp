// SPDX-License-Identifier: Apache-2.0
//
// What an unauthenticated peer can learn from the time that a handshake takes, for each setting of
// IBID_PRIVACY. Runs once for each setting, which is read when ibid is loaded.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "certificates.h"
#include "connections.h"
#include "ibid_openssl.h"
#include "linkage.h"
#include "stock_or_ibid.h"
#include "this_openssl.h"

namespace ibid::test {
namespace {

enum class setting { strict, standard, off };

[[nodiscard]] setting chosen() {
    const char* const said = std::getenv("IBID_PRIVACY");
    const std::string privacy = said != nullptr ? said : "";
    return privacy == "strict" ? setting::strict : privacy == "off" ? setting::off : setting::standard;
}

class Privacy : public testing::Test {
protected:
    Privacy() {
        std::ofstream(file_) << as_pem(PEM_STRING_X509, der_of(w.root.certificate.get()));
        for (SSL_CTX* const c : {client.get(), server.get()}) {
            check(SSL_CTX_load_verify_file(c, file_.c_str()) == 1, "trust store");
            SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
        }
    }
    ~Privacy() override { std::remove(file_.c_str()); }

    // Does two handshakes and returns how many signatures were not verified in the second, because of the
    // memo.
    [[nodiscard]] std::uint64_t remembered() {
        connection first(client.get(), server.get());
        EXPECT_TRUE(first.shake_hands());
        const counted signatures(IBID_OPENSSL_SIGNATURES);
        connection second(client.get(), server.get());
        EXPECT_TRUE(second.shake_hands());
        EXPECT_EQ(SSL_get_verify_result(second.client.get()), verdict_of_client);
        EXPECT_EQ(SSL_get_verify_result(second.server.get()), X509_V_OK);
        return signatures.hits();
    }

    world w;
    std::string file_ = testing::TempDir() + "ibid-privacy-" + std::to_string(getpid()) + ".pem";
    context_ptr client = bare(TLS_client_method(), w.client_leaf.get());
    context_ptr server = bare(TLS_server_method(), w.server_leaf.get());
    long verdict_of_client = X509_V_OK;

    // Its chain does not contain the root, so the only root is from a file.
    [[nodiscard]] context_ptr bare(const SSL_METHOD* method, X509* leaf) const {
        context_ptr c(SSL_CTX_new(method));
        SSL_CTX_use_certificate(c.get(), leaf);
        SSL_CTX_use_PrivateKey(c.get(), w.key.get());
        SSL_CTX_add1_chain_cert(c.get(), w.intermediate.certificate.get());
        return c;
    }
};

TEST_F(Privacy, OfServersWhatIsRememberedIsWhatTellsNothingOfAClient) {
    // The client trusts no CA, so it verifies no signature.
    client = bare(TLS_client_method(), w.client_leaf.get());
    verdict_of_client = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
    SSL_CTX_set_verify(server.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    switch (chosen()) {
    case setting::strict:
        EXPECT_EQ(remembered(), 0U);
        break;
    case setting::standard: // the intermediate's; the leaf's would reveal who was connected before
        EXPECT_EQ(remembered(), symbolic() ? 0U : 1U);
        break;
    case setting::off:
        EXPECT_EQ(remembered(), 2U);
        break;
    }
}

TEST_F(Privacy, OfClientsIsNobodysButTheirOwn) {
    SSL_CTX_set_verify(client.get(), SSL_VERIFY_PEER, nullptr);
    EXPECT_EQ(remembered(), 2U);
}

// With `strict`, a certificate is parsed completely each time, and shared nevertheless.
TEST_F(Privacy, DoesNotDecideWhichObjectsAreShared) {
    SSL_CTX_set_verify(server.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    connection one(client.get(), server.get());
    connection two(client.get(), server.get());
    ASSERT_TRUE(one.shake_hands());
    ASSERT_TRUE(two.shake_hands());
    EXPECT_EQ(one.clients_view(), two.clients_view());
    EXPECT_EQ(one.servers_view(), two.servers_view());
}

TEST_F(Privacy, IsNoneOfTheTrustStoresBusiness) {
    const auto root = [](SSL_CTX* c) { return objects_of(SSL_CTX_get_cert_store(c)).certificate(0); };
    EXPECT_EQ(root(client.get()), root(server.get()));
}

} // namespace
} // namespace ibid::test
