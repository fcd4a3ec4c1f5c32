// SPDX-License-Identifier: Apache-2.0
//
// If another library already intercepts OpenSSL's functions, ibid changes nothing.
#include <unistd.h>

#include <cstdio>

#include <gtest/gtest.h>

#include "connections.h"
#include "ibid_openssl.h"
#include "this_openssl.h"

extern "C" int ibid_test_hooked;

namespace ibid::test {
namespace {

TEST(ForeignHook, SeesEveryCallAndIbidNone) {
    const world w;
    const context_ptr client = w.context(TLS_client_method(), false);
    const context_ptr server = w.context(TLS_server_method(), true);
    connection a(client.get(), server.get());
    connection b(client.get(), server.get());
    const int before = ibid_test_hooked;
    ASSERT_TRUE(a.shake_hands());
    const int of_one = ibid_test_hooked - before;
    EXPECT_GE(of_one, 4); // both sides send a leaf and an intermediate
    ASSERT_TRUE(b.shake_hands());
    EXPECT_EQ(ibid_test_hooked - before, 2 * of_one);
    EXPECT_NE(a.clients_view(), b.clients_view());
    EXPECT_EQ(SSL_get_verify_result(b.client.get()), X509_V_OK);
}

// libssl's calls to libcrypto are hooked, so ibid cannot find out to which libcrypto this libssl belongs.
// ibid is disabled, and gives the reason.
TEST(ForeignHook, BetweenLibsslAndLibcryptoEndsSharing) {
    EXPECT_NE(ibid_openssl_why_not(IBID_OPENSSL_FEATURE_CALLS), nullptr);
    const world w;
    const std::string path = ::testing::TempDir() + "ibid-hook-" + std::to_string(getpid()) + ".pem";
    BIO* const out = BIO_new_file(path.c_str(), "w");
    PEM_write_bio_X509(out, w.root.certificate.get());
    BIO_free(out);
    const store_ptr stores[2] = {store_ptr(X509_STORE_new()), store_ptr(X509_STORE_new())};
    for (const store_ptr& s : stores) {
        ASSERT_EQ(X509_STORE_load_file(s.get(), path.c_str()), 1);
        EXPECT_EQ(X509_cmp(objects_of(s.get()).certificate(0), w.root.certificate.get()), 0);
    }
    std::remove(path.c_str());
}

} // namespace
} // namespace ibid::test
