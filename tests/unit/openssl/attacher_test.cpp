// SPDX-License-Identifier: Apache-2.0
//
// A program that attaches data to certificates and writes nothing else, as nginx does: it gets the shared
// objects themselves, for one session's user at a time, as long as it only uses the getter of a peer's
// certificate.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "certificates.h"
#include "connections.h"
#include "ibid_openssl.h"
#include "support/in_child.h"

namespace ibid::test {
namespace {

using ibid::testing::in_child;

[[nodiscard]] x509_ptr taken(const ssl_ptr& side) {
    return x509_ptr(SSL_get1_peer_certificate(side.get()));
}

[[nodiscard]] int index_of_data() {
    static const int index = X509_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

TEST(ThisProgram, SharesAllThatAReaderDoes) {
    ASSERT_EQ(ibid_openssl_why_not(IBID_OPENSSL_FEATURE_PEERS), nullptr);
    ASSERT_EQ(ibid_openssl_why_not(IBID_OPENSSL_FEATURE_TRUST_STORES), nullptr);
}

class Attacher : public ::testing::TestWithParam<int> {
protected:
    world w;
    context_ptr client = w.context(TLS_client_method(), false, GetParam());
    context_ptr server = w.context(TLS_server_method(), true, GetParam());
    connection a{client.get(), server.get()};
    connection b{client.get(), server.get()};
    void SetUp() override {
        ASSERT_TRUE(a.shake_hands());
        ASSERT_TRUE(b.shake_hands());
    }
};

TEST_P(Attacher, GetsTheSharedObjectOneAfterAnother) {
    X509* const first = taken(a.client).get(); // read, and given back, as nginx does
    EXPECT_EQ(taken(b.client).get(), first);
    EXPECT_EQ(taken(a.client).get(), first);
}

// A program that holds one certificate for two sessions at a time is treated as one that may write: from then
// on nothing is shared with it, for good. So in a child.
TEST_P(Attacher, GetsADuplicateWhileAnotherHasTheObject) {
    EXPECT_EQ(in_child([&] {
                  x509_ptr held = taken(a.client);
                  X509* const of_a = held.get();
                  X509* const of_b = taken(b.client).get();
                  const bool apart = of_b != of_a && X509_cmp(of_b, of_a) == 0;
                  held.reset();
                  // As in stock, each connection keeps what it has.
                  const bool stay = taken(b.client).get() == of_b && taken(a.client).get() == of_a &&
                                    SSL_get0_peer_certificate(a.client.get()) == of_a &&
                                    SSL_get0_peer_certificate(b.client.get()) == of_b;
                  return apart && stay && ibid_openssl_why_not(IBID_OPENSSL_FEATURE_PEERS) != nullptr ? 0 : 1;
              }),
              0);
    EXPECT_EQ(ibid_openssl_why_not(IBID_OPENSSL_FEATURE_PEERS), nullptr) << "in the parent";
}

TEST_P(Attacher, PutsDataWhereNobodyElseSeesIt) {
    EXPECT_EQ(in_child([&] {
                  char of_a = 0;
                  char of_b = 0;
                  const auto beside = [](const ssl_ptr& side) {
                      return X509_get_ex_data(taken(side).get(), index_of_data());
                  };
                  if (X509_set_ex_data(taken(a.client).get(), index_of_data(), &of_a) != 1 ||
                      beside(b.client) != nullptr ||
                      X509_set_ex_data(taken(b.client).get(), index_of_data(), &of_b) != 1) {
                      return 1;
                  }
                  connection later(client.get(), server.get());
                  // Kept, though it was given back.
                  return beside(a.client) == &of_a && beside(b.client) == &of_b && later.shake_hands() &&
                                 beside(later.client) == nullptr
                             ? 0
                             : 2;
              }),
              0);
}

TEST_P(Attacher, FindsItsDataInAResumedSession) {
    char data = 0;
    const x509_ptr x = taken(a.client);
    ASSERT_EQ(X509_set_ex_data(x.get(), index_of_data(), &data), 1);
    const session_ptr session = a.session();
    connection resumed(client.get(), server.get(), session.get());
    ASSERT_TRUE(resumed.shake_hands());
    ASSERT_TRUE(SSL_session_reused(resumed.client.get()));
    EXPECT_EQ(taken(resumed.client), x);
    EXPECT_EQ(X509_get_ex_data(taken(resumed.client).get(), index_of_data()), &data);
}

// By any other getter it gets what it may keep without a reference, or change (a list): from then on nothing
// is shared with it, for good. So in a child.
TEST_P(Attacher, ThatAsksByAnotherGetterHasOneObjectByAllOfThem) {
    EXPECT_EQ(in_child([&] {
                  X509* const lent = SSL_get0_peer_certificate(a.client.get());
                  const bool same = lent == SSL_get0_peer_certificate(a.client.get()) &&
                                    lent == taken(a.client).get() &&
                                    lent == sk_X509_value(SSL_get_peer_cert_chain(a.client.get()), 0) &&
                                    lent == sk_X509_value(SSL_get0_verified_chain(a.client.get()), 0);
                  X509* const of_b = SSL_get0_peer_certificate(b.client.get());
                  return same && of_b != lent && of_b == taken(b.client).get() ? 0 : 1;
              }),
              0);
}

TEST_P(Attacher, ThatAsksByAnotherGetterIsNotSharedWithAnyMore) {
    EXPECT_EQ(in_child([&] {
                  (void)SSL_get_peer_cert_chain(a.client.get());
                  connection c(client.get(), server.get());
                  connection d(client.get(), server.get());
                  const bool shaken = c.shake_hands() && d.shake_hands();
                  return shaken && taken(c.client) != taken(d.client) &&
                                 ibid_openssl_why_not(IBID_OPENSSL_FEATURE_TRUST_STORES) != nullptr
                             ? 0
                             : 1;
              }),
              0);
    EXPECT_EQ(ibid_openssl_why_not(IBID_OPENSSL_FEATURE_TRUST_STORES), nullptr) << "in the parent";
}

// As nginx does for stapling: a store's objects are the store's.
TEST_P(Attacher, ThatAsksAStoreIsSharedWith) {
    EXPECT_EQ(in_child([&] {
                  X509_STORE* const store = SSL_CTX_get_cert_store(client.get());
                  const testbed::owned_verification verification(X509_STORE_CTX_new());
                  X509* issuer = nullptr;
                  const bool found =
                      X509_STORE_CTX_init(verification.get(), store, nullptr, nullptr) == 1 &&
                      X509_STORE_CTX_get1_issuer(&issuer, verification.get(), w.root.certificate.get()) == 1;
                  X509_free(issuer);
                  connection c(client.get(), server.get());
                  connection d(client.get(), server.get());
                  if (!found || !c.shake_hands() || !d.shake_hands()) {
                      return 2;
                  }
                  X509* const first = taken(c.client).get();
                  return taken(d.client).get() == first ? 0 : 1;
              }),
              0);
}

// A connection's lists own what is in them.
TEST_P(Attacher, MayTakeACertificateOutOfAList) {
    EXPECT_EQ(in_child([&] {
                  for (STACK_OF(X509) * list :
                       {SSL_get_peer_cert_chain(a.client.get()), SSL_get0_verified_chain(a.client.get())}) {
                      const int count = sk_X509_num(list);
                      X509_free(sk_X509_pop(list));
                      if (sk_X509_num(list) != count - 1) {
                          return 1;
                      }
                  }
                  const bool again = sk_X509_num(SSL_get_peer_cert_chain(a.client.get())) == 1 &&
                                     sk_X509_num(SSL_get0_verified_chain(a.client.get())) == 2;
                  a.client.reset();
                  a.server.reset();
                  connection c(client.get(), server.get());
                  return again && c.shake_hands() ? 0 : 2;
              }),
              0);
}

TEST_P(Attacher, ThatTakesAReferenceMoreHoldsTheLease) {
    EXPECT_EQ(in_child([&] {
                  X509* const shared = taken(a.client).release();
                  X509_up_ref(shared);
                  X509_free(shared);
                  const bool held = taken(b.client).get() != shared;
                  X509_free(shared);
                  return held ? 0 : 1;
              }),
              0);
    X509* const shared = taken(a.client).release();
    X509_up_ref(shared);
    X509_free(shared);
    X509_free(shared);
    EXPECT_EQ(taken(b.client).get(), shared);
}

// A chain that was verified ends in the store's own object, which lives as long as the store.
TEST_P(Attacher, FindsTheStoresRootInItsChains) {
    EXPECT_EQ(in_child([&] {
                  const auto root_of = [](const connection& c) {
                      return sk_X509_value(SSL_get0_verified_chain(c.client.get()), 2);
                  };
                  X509* const of_a = root_of(a);
                  X509* const of_store = X509_OBJECT_get0_X509(
                      sk_X509_OBJECT_value(X509_STORE_get0_objects(SSL_CTX_get_cert_store(client.get())), 0));
                  const bool same = of_a == of_store && root_of(b) == of_store;
                  a.client.reset();
                  b.client.reset();
                  return same && X509_cmp(of_a, w.root.certificate.get()) == 0 ? 0 : 1;
              }),
              0);
}

TEST_P(Attacher, OnManyThreadsNeverHandsOneObjectToTwoSessions) {
    EXPECT_EQ(in_child([&] {
                  std::atomic<int> strange{0};
                  std::vector<std::thread> threads;
                  for (int t = 0; t < 4; ++t) {
                      threads.emplace_back([&, t] {
                          connection own(client.get(), server.get());
                          strange += own.shake_hands() ? 0 : 1;
                          char mine = 0;
                          for (int i = 0; i < 200; ++i) {
                              const x509_ptr x = taken(own.client);
                              if (t == 0 && i == 100) {
                                  X509_set_ex_data(x.get(), index_of_data(), &mine);
                              }
                              const void* const beside = X509_get_ex_data(x.get(), index_of_data());
                              strange += beside == nullptr || beside == &mine ? 0 : 1;
                          }
                          ERR_clear_error();
                      });
                  }
                  for (std::thread& t : threads) {
                      t.join();
                  }
                  return strange.load();
              }),
              0);
}

INSTANTIATE_TEST_SUITE_P(Tls, Attacher, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& p) { return p.param == TLS1_2_VERSION ? "v1_2" : "v1_3"; });

// Indices of ex_data are numbered anew in each context, but the data stands in the same objects. In a process
// of its own: from then on nothing is shared.
TEST(DefaultContext, ThatAThreadGetsHasItsIndicesApartFromIbids) {
    const int status = in_child([&] {
        outlast_first_certificates();
        const world w;
        const context_ptr client = w.context(TLS_client_method(), false);
        const context_ptr server = w.context(TLS_server_method(), true);
        connection one(client.get(), server.get());
        bool good = one.shake_hands();
        const bytes der = der_of(w.client_leaf.get());
        char data[256] = "the program's own";
        x509_ptr mine;
        store_ptr my_store;
        OSSL_LIB_CTX* const own = OSSL_LIB_CTX_new();
        std::thread([&] {
            OSSL_LIB_CTX_set0_default(own);
            const int index = X509_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
            good = good && X509_get_ex_data(one.clients_view(), index) == nullptr;
            x509_ptr parsed_into(X509_new());
            mine.reset(X509_new());
            for (X509* const x : {parsed_into.get(), mine.get()}) {
                good = good && X509_set_ex_data(x, index, data) == 1;
            }
            X509* filled = parsed_into.release();
            const unsigned char* p = der.data();
            good = good && d2i_X509(&filled, &p, static_cast<long>(der.size())) == filled;
            X509_free(filled);

            const int of_stores =
                CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509_STORE, 0, nullptr, nullptr, nullptr, nullptr);
            my_store.reset(X509_STORE_new());
            good = good && X509_STORE_set_ex_data(my_store.get(), of_stores, data) == 1;

            OSSL_LIB_CTX_set0_default(own); // again: nothing more is taken
            good = good && X509_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr) == index + 1;
        }).join();
        mine.reset(); // in the global context, where OpenSSL tells ibid of each end
        my_store.reset();
        return good ? 0 : 1;
    });
    EXPECT_EQ(status, 0);
}

} // namespace
} // namespace ibid::test
