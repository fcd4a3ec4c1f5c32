// SPDX-License-Identifier: Apache-2.0
//
// A program may set OpenSSL's memory functions as long as OpenSSL has allocated nothing. Intercepted calls
// before that, which in stock allocate nothing, must not make this impossible. After the functions are set,
// ibid shares nothing: OpenSSL's memory may be shared between processes, in which ibid's pointers are not
// valid.
#include <openssl/asn1t.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>

#include <cstdlib>

#include <gtest/gtest.h>

#include "connections.h"
#include "ibid_openssl.h"

namespace ibid::test {
namespace {

int taken = 0;

TEST(memory_functions, can_be_chosen_after_calls_that_allocate_nothing_and_then_nothing_is_shared) {
    ASSERT_NE(ASN1_ITEM_rptr(X509), nullptr);
    ASSERT_EQ(CRYPTO_set_mem_functions(
                  [](std::size_t n, const char*, int) {
                      ++taken;
                      return std::malloc(n);
                  },
                  [](void* p, std::size_t n, const char*, int) { return std::realloc(p, n); },
                  [](void* p, const char*, int) { std::free(p); }),
              1);
    const world w;
    const context_ptr client = w.context(TLS_client_method(), false);
    const context_ptr server = w.context(TLS_server_method(), true);
    connection a(client.get(), server.get());
    connection b(client.get(), server.get());
    ASSERT_TRUE(a.shake_hands());
    ASSERT_TRUE(b.shake_hands());
    EXPECT_NE(a.clients_view(), b.clients_view());
    EXPECT_NE(ibid_openssl_why_not(IBID_OPENSSL_FEATURE_CALLS), nullptr);
    EXPECT_GT(taken, 0);
}

} // namespace
} // namespace ibid::test
