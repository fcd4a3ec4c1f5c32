// SPDX-License-Identifier: Apache-2.0
//
// A program that is linked with OpenSSL, in each way of binding its calls (CMakeLists.txt): all calls reach
// ibid, from the first one on.
#include <unistd.h>

#include <gtest/gtest.h>

#include "connections.h"
#include "ibid_openssl.h"
#include "support/in_child.h"

namespace ibid::test {
namespace {

using ibid::testing::in_child;

TEST(Binding, SharesWhatItsPeersSend) {
    EXPECT_TRUE(two_connections().share());
}

// The first call of each function, in a process in which it has not been called before.
TEST(Binding, IsHeardAtTheFirstCallOfEachFunction) {
    EXPECT_EQ(in_child([] {
                  CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509, 0, nullptr, nullptr, nullptr,
                                          [](void*, void*, CRYPTO_EX_DATA*, int, long, void*) {});
                  return ibid_openssl_why_not(IBID_OPENSSL_FEATURE_CALLS) != nullptr ? 0 : 1;
              }),
              0);
    EXPECT_EQ(in_child([] {
                  OSSL_LIB_CTX_set0_default(OSSL_LIB_CTX_new());
                  return ibid_openssl_why_not(IBID_OPENSSL_FEATURE_CALLS) != nullptr ? 0 : 1;
              }),
              0);
    EXPECT_EQ(in_child([] {
                  OSSL_LIB_CTX_set0_default(nullptr); // changes nothing
                  return ibid_openssl_why_not(IBID_OPENSSL_FEATURE_CALLS) == nullptr ? 0 : 1;
              }),
              0);
}

} // namespace
} // namespace ibid::test
