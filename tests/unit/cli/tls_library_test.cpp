// SPDX-License-Identifier: Apache-2.0
//
// Which TLS library a file is or contains.
#include "cli/programs/tls_library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ibid::cli {
namespace {

using ::testing::HasSubstr;

TEST(tls_libraries, are_known_by_their_names) {
    EXPECT_EQ(other_tls_library("/lib/x86_64-linux-gnu/libgnutls.so.30"), "GnuTLS");
    EXPECT_EQ(other_tls_library("libssl3.so"), "NSS");
    EXPECT_EQ(other_tls_library("/lib/x86_64-linux-gnu/libssl.so.3"), "");
    EXPECT_TRUE(is_libssl("/lib/libssl.so.3"));
    EXPECT_TRUE(is_libssl("/venv/psycopg2_binary.libs/libssl-2fb1e3b1.so.3"));
    EXPECT_FALSE(is_libssl("/lib/libssl3.so"));
    EXPECT_FALSE(is_libssl("/lib/libssl-doc.txt"));
    EXPECT_TRUE(is_libcrypto("libcrypto.so.3"));
    EXPECT_TRUE(is_libcrypto("/venv/libcrypto-ca1fdc2f.so.3"));
    EXPECT_FALSE(is_libcrypto("/lib/libcrypto++.so.8"));
}

TEST(openssl_inside, is_seen_by_what_an_executable_exports) {
    EXPECT_THAT(openssl_inside(EXPORTS_OPENSSL_LIBRARY), HasSubstr("SSL_CTX_new"));
    EXPECT_EQ(openssl_inside(DYNAMIC_PROGRAM), "");
    EXPECT_EQ(openssl_inside("/nowhere/at/all"), "");
}

} // namespace
} // namespace ibid::cli
