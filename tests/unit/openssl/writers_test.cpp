// SPDX-License-Identifier: Apache-2.0
//
// A program that may write to certificates, because it names functions that do: nothing is shared with it. A
// write is visible under ibid exactly where it is visible in stock.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <cstdio>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "certificates.h"
#include "connections.h"
#include "stock_or_ibid.h"
#include "support/in_child.h"
#include "this_openssl.h"

namespace ibid::test {
namespace {

const auto* const text = reinterpret_cast<const unsigned char*>("mine");

[[nodiscard]] bool has_alias(X509* x) {
    int size = 0;
    return X509_alias_get0(x, &size) != nullptr;
}

TEST(ThisProgram, MayWrite) {
    for (const auto feature : {IBID_OPENSSL_FEATURE_TRUST_STORES, IBID_OPENSSL_FEATURE_PEERS}) {
        const char* const why = ibid_openssl_why_not(feature);
        ASSERT_NE(why, nullptr);
        EXPECT_NE(std::string_view(why).find("write"), std::string_view::npos) << why;
    }
}

class Writers : public ::testing::TestWithParam<int> {
protected:
    world w;
    context_ptr client = w.context(TLS_client_method(), false, GetParam());
    context_ptr server = w.context(TLS_server_method(), true, GetParam());

    // Every way to the leaf that one connection's client has.
    [[nodiscard]] static std::set<const X509*> leaves(const SSL* ssl) {
        const x509_ptr held(SSL_get1_peer_certificate(ssl));
        return {SSL_get0_peer_certificate(ssl), held.get(), sk_X509_value(SSL_get_peer_cert_chain(ssl), 0),
                sk_X509_value(SSL_get0_verified_chain(ssl), 0), SSL_SESSION_get0_peer(SSL_get_session(ssl))};
    }
};

TEST_P(Writers, GetOneObjectByAllGettersOfAConnection) {
    connection a(client.get(), server.get());
    connection b(client.get(), server.get());
    ASSERT_TRUE(a.shake_hands());
    const counted certificates(IBID_OPENSSL_CERTIFICATES);
    ASSERT_TRUE(b.shake_hands());
    ASSERT_EQ(certificates.hits(), 0U);
    const auto of_a = leaves(a.client.get());
    const auto of_b = leaves(b.client.get());
    EXPECT_EQ(of_a.size(), 1U);
    EXPECT_EQ(of_b.size(), 1U);
    EXPECT_NE(of_a, of_b);
    // A getter that the program looks up gives the same.
    void* const libssl = dlopen(libssl_file, RTLD_LAZY | RTLD_NOLOAD);
    const auto found = reinterpret_cast<X509* (*)(const SSL*)>(dlsym(libssl, "SSL_get0_peer_certificate"));
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found(a.client.get()), a.clients_view());
    dlclose(libssl);
    EXPECT_EQ(leaves(a.client.get()), of_a) << "at the second time";
    EXPECT_EQ(X509_cmp(a.clients_view(), w.server_leaf.get()), 0);
    EXPECT_EQ(der_of(a.clients_view()), der_of(w.server_leaf.get()));
    EXPECT_EQ(X509_get_extension_flags(a.clients_view()), X509_get_extension_flags(w.server_leaf.get()));
    // The same on the other side, whose chain is without the leaf.
    EXPECT_EQ(a.servers_view(), SSL_SESSION_get0_peer(SSL_get_session(a.server.get())));
    EXPECT_NE(a.servers_view(), b.servers_view());
    EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST_P(Writers, GetOneListEachTime) {
    connection a(client.get(), server.get());
    ASSERT_TRUE(a.shake_hands());
    const SSL* const ssl = a.client.get();
    STACK_OF(X509)* const sent = SSL_get_peer_cert_chain(ssl);
    STACK_OF(X509)* const verified = SSL_get0_verified_chain(ssl);
    ASSERT_EQ(sk_X509_num(sent), 2);
    ASSERT_EQ(sk_X509_num(verified), 3);
    EXPECT_EQ(SSL_get_peer_cert_chain(ssl), sent);
    EXPECT_EQ(SSL_get0_verified_chain(ssl), verified);
    for (int i = 0; i < 2; ++i) { // libssl verifies what was sent
        EXPECT_EQ(sk_X509_value(sent, i), sk_X509_value(verified, i)) << i;
    }
}

// A connection's lists own what is in them, and what a program does to a list stays done.
TEST_P(Writers, ChangeAConnectionsLists) {
    connection a(client.get(), server.get());
    ASSERT_TRUE(a.shake_hands());
    const SSL* const ssl = a.client.get();
    X509_free(sk_X509_pop(SSL_get_peer_cert_chain(ssl)));
    X509_free(sk_X509_pop(SSL_get0_verified_chain(ssl)));
    EXPECT_EQ(sk_X509_num(SSL_get_peer_cert_chain(ssl)), 1);
    EXPECT_EQ(sk_X509_num(SSL_get0_verified_chain(ssl)), 2);
    connection after(client.get(), server.get());
    EXPECT_TRUE(after.shake_hands());
}

// A verification that is refused leaves its error in the queue before it asks the program.
TEST_P(Writers, GetWhatOpenSslHasReadTheExtensionsOfAlsoBesideAnError) {
    connection first(client.get(), server.get());
    connection second(client.get(), server.get());
    ASSERT_TRUE(first.shake_hands());
    ASSERT_TRUE(second.shake_hands());
    const std::uint32_t flags = X509_get_extension_flags(w.server_leaf.get());
    ERR_raise(ERR_LIB_USER, 1);
    X509* const x = second.clients_view();
    ASSERT_EQ(X509_set_version(x, X509_VERSION_1), 1);
    EXPECT_EQ(X509_get_extension_flags(x), flags) << "not read again, so not EXFLAG_V1";
    EXPECT_EQ(ERR_GET_REASON(ERR_get_error()), 1);
    EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST_P(Writers, WriteToOneConnectionsCertificateAlone) {
    connection before(client.get(), server.get());
    connection written(client.get(), server.get());
    ASSERT_TRUE(before.shake_hands());
    ASSERT_TRUE(written.shake_hands());
    ASSERT_EQ(X509_alias_set1(written.clients_view(), text, 4), 1);
    connection after(client.get(), server.get());
    ASSERT_TRUE(after.shake_hands());
    EXPECT_TRUE(has_alias(written.clients_view()));
    for (const X509* const x : leaves(written.client.get())) {
        EXPECT_TRUE(has_alias(const_cast<X509*>(x)));
    }
    for (const connection* const c : {&before, &after}) {
        EXPECT_FALSE(has_alias(c->clients_view()));
    }
}

// By each kind of name that makes a writer: a call, or a pointer to the inside and a call that writes there.
TEST_P(Writers, OfEveryKindLeaveTheOthersAsTheyAre) {
    const bytes der = der_of(w.server_leaf.get());
    const std::vector<std::pair<const char*, std::function<void(X509*)>>> kinds{
        {"version", [](X509* x) { X509_set_version(x, X509_VERSION_1); }},
        {"time", [](X509* x) { X509_gmtime_adj(X509_getm_notAfter(x), -86400L * 400); }},
        {"number", [](X509* x) { ASN1_INTEGER_set(X509_get_serialNumber(x), 77); }},
        {"name",
         [](X509* x) {
             X509_NAME_add_entry_by_txt(written_to(X509_get_subject_name(x)), "O", MBSTRING_ASC, text, 4, -1,
                                        0);
         }},
        {"extension",
         [](X509* x) {
             ASN1_STRING_set(written_to(X509_EXTENSION_get_data(written_to(X509_get_ext(x, 0)))), "?", 1);
         }},
        {"extensions", [](X509* x) { X509_EXTENSION_free(X509_delete_ext(x, 0)); }},
        {"trust", [](X509* x) { X509_add1_reject_object(x, OBJ_nid2obj(NID_server_auth)); }},
        {"key",
         [](X509* x) {
             const key_ptr other = make_key();
             unsigned char* point = nullptr;
             const std::size_t size = EVP_PKEY_get1_encoded_public_key(other.get(), &point);
             EXPECT_EQ(EVP_PKEY_set1_encoded_public_key(X509_get0_pubkey(x), point, size), 1);
             OPENSSL_free(point);
         }},
        {"signature", [this](X509* x) { EXPECT_GT(X509_sign(x, w.key.get(), EVP_sha256()), 0); }},
    };
    for (const auto& [kind, write] : kinds) {
        SCOPED_TRACE(kind);
        connection before(client.get(), server.get());
        connection written(client.get(), server.get());
        ASSERT_TRUE(before.shake_hands());
        ASSERT_TRUE(written.shake_hands());
        write(written.clients_view());
        (void)i2d_re_X509_tbs(written.clients_view(), nullptr);
        write(sk_X509_value(SSL_get0_verified_chain(written.client.get()), 1)); // and to its issuer
        connection after(client.get(), server.get());
        ASSERT_TRUE(after.shake_hands());
        EXPECT_EQ(SSL_get_verify_result(after.client.get()), X509_V_OK);
        for (const connection* const c : {&before, &after}) {
            unsigned char* again = nullptr;
            const x509_ptr copy(X509_dup(c->clients_view()));
            EXPECT_EQ(der_of(c->clients_view()), der);
            EXPECT_EQ(i2d_re_X509_tbs(copy.get(), &again), i2d_re_X509_tbs(w.server_leaf.get(), nullptr));
            OPENSSL_free(again);
            EXPECT_EQ(X509_cmp(c->clients_view(), w.server_leaf.get()), 0);
            EXPECT_EQ(EVP_PKEY_eq(X509_get0_pubkey(c->clients_view()), w.key.get()), 1);
        }
        ERR_clear_error();
    }
}

TEST_P(Writers, PutDataBesideOneConnectionsCertificateAlone) {
    const int index = X509_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    connection a(client.get(), server.get());
    connection b(client.get(), server.get());
    ASSERT_TRUE(a.shake_hands());
    ASSERT_TRUE(b.shake_hands());
    char data = 0;
    ASSERT_EQ(X509_set_ex_data(a.clients_view(), index, &data), 1);
    EXPECT_EQ(X509_get_ex_data(a.clients_view(), index), &data);
    EXPECT_EQ(X509_get_ex_data(b.clients_view(), index), nullptr);
}

// In stock, connections with one session have one peer's object; so it is for a ticket's copy of a session.
TEST_P(Writers, FindTheirWritesInAResumedSession) {
    connection first(client.get(), server.get());
    ASSERT_TRUE(first.shake_hands());
    ASSERT_EQ(X509_alias_set1(first.clients_view(), text, 4), 1);
    const session_ptr session = first.session();
    connection second(client.get(), server.get(), session.get());
    ASSERT_TRUE(second.shake_hands());
    ASSERT_TRUE(SSL_session_reused(second.client.get()));
    EXPECT_EQ(second.clients_view(), first.clients_view());
    EXPECT_TRUE(has_alias(second.clients_view()));
    EXPECT_EQ(SSL_SESSION_get0_peer(session.get()), first.clients_view());
    // The server's comes from a ticket, and is another object, in stock, too.
    EXPECT_NE(second.servers_view(), first.servers_view());
    EXPECT_EQ(X509_cmp(second.servers_view(), w.client_leaf.get()), 0);
    // One that is decoded from its bytes is another session.
    unsigned char* der = nullptr;
    const int size = i2d_SSL_SESSION(session.get(), &der);
    const unsigned char* p = der;
    const session_ptr again(d2i_SSL_SESSION(nullptr, &p, size));
    OPENSSL_free(der);
    EXPECT_NE(SSL_SESSION_get0_peer(again.get()), first.clients_view());
    EXPECT_FALSE(has_alias(SSL_SESSION_get0_peer(again.get())));
}

TEST_P(Writers, HaveACopyOfASessionWithItsObjects) {
    connection a(client.get(), server.get());
    ASSERT_TRUE(a.shake_hands());
    X509* const own = a.clients_view();
    const session_ptr session = a.session();
    const session_ptr copy(SSL_SESSION_dup(session.get()));
    EXPECT_EQ(SSL_SESSION_get0_peer(copy.get()), own);
    a.client.reset();
    EXPECT_EQ(SSL_SESSION_get0_peer(copy.get()), own); // lives as long as the last of them
    EXPECT_EQ(der_of(own), der_of(w.server_leaf.get()));
}

struct seen_in_callback {
    std::vector<std::set<const X509*>> at_depth{4};
    std::set<const X509*> leaf;
    std::vector<const X509*> issuers;
};
seen_in_callback* seen_now = nullptr;

int look(int ok, X509_STORE_CTX* v) {
    const auto depth = static_cast<std::size_t>(X509_STORE_CTX_get_error_depth(v));
    seen_now->at_depth.at(depth).insert(X509_STORE_CTX_get_current_cert(v));
    seen_now->leaf.insert(X509_STORE_CTX_get0_cert(v));
    seen_now->leaf.insert(sk_X509_value(X509_STORE_CTX_get0_untrusted(v), 0));
    STACK_OF(X509)* const lent = X509_STORE_CTX_get0_chain(v);
    STACK_OF(X509)* const given = X509_STORE_CTX_get1_chain(v);
    EXPECT_EQ(X509_STORE_CTX_get0_chain(v), lent);
    for (int i = 0; i < sk_X509_num(lent); ++i) {
        EXPECT_EQ(sk_X509_value(lent, i), sk_X509_value(given, i));
        seen_now->at_depth.at(static_cast<std::size_t>(i)).insert(sk_X509_value(lent, i));
    }
    sk_X509_pop_free(given, X509_free);
    seen_now->issuers.push_back(X509_STORE_CTX_get0_current_issuer(v));
    return ok;
}

TEST_P(Writers, SeeInAVerificationWhatTheConnectionHas) {
    SSL_CTX_set_verify(client.get(), SSL_VERIFY_PEER, &look);
    connection warm(client.get(), server.get());
    seen_in_callback first;
    seen_now = &first;
    ASSERT_TRUE(warm.shake_hands());
    seen_in_callback second;
    seen_now = &second;
    connection c(client.get(), server.get());
    ASSERT_TRUE(c.shake_hands());
    STACK_OF(X509)* const verified = SSL_get0_verified_chain(c.client.get());
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(second.at_depth[static_cast<std::size_t>(i)],
                  std::set<const X509*>{sk_X509_value(verified, i)})
            << i;
    }
    EXPECT_EQ(second.leaf, std::set<const X509*>{c.clients_view()});
    EXPECT_NE(second.leaf, first.leaf);
    for (const X509* const issuer : second.issuers) {
        EXPECT_TRUE(issuer == nullptr || issuer == sk_X509_value(verified, 1) ||
                    issuer == sk_X509_value(verified, 2));
    }
}

// SSL_SESSION_get0_peer only reads, so threads may call it for one session at once.
TEST_P(Writers, OnManyThreadsGetOneObject) {
    for (int round = 0; round < 50; ++round) {
        connection a(client.get(), server.get());
        ASSERT_TRUE(a.shake_hands());
        const session_ptr session = a.session();
        std::barrier start(4);
        std::vector<const X509*> got(4);
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < 4; ++i) {
            threads.emplace_back([&, i] {
                start.arrive_and_wait();
                got[i] = SSL_SESSION_get0_peer(session.get());
            });
        }
        for (std::thread& t : threads) {
            t.join();
        }
        EXPECT_EQ(std::set<const X509*>(got.begin(), got.end()).size(), 1U) << round;
    }
}

INSTANTIATE_TEST_SUITE_P(Tls, Writers, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& p) { return p.param == TLS1_2_VERSION ? "v1_2" : "v1_3"; });

// What RTLD_DEFAULT finds in the global scope is the same for every caller: the getter and the parser that
// are found are those for writers.
TEST(WriterLookups, ThatFindsAGetterInTheGlobalScopeIsGivenObjectsOfItsOwn) {
    EXPECT_EQ(ibid::testing::in_child([] {
                  void* const libssl = dlopen(libssl_file, RTLD_LAZY | RTLD_NOLOAD);
                  for (const char* const name : {"SSL_get0_peer_certificate", "d2i_X509"}) {
                      const void* const found = dlsym(RTLD_DEFAULT, name);
                      if (found == nullptr || found != dlsym(libssl, name)) {
                          return 1;
                      }
                      Dl_info module{};
                      if (dladdr(found, &module) == 0 ||
                          std::string_view(module.dli_fname).find("libssl") != std::string_view::npos ||
                          std::string_view(module.dli_fname).find("libcrypto") != std::string_view::npos) {
                          return 2;
                      }
                  }
                  return ibid_openssl_why_not(IBID_OPENSSL_FEATURE_CALLS) == nullptr ? 0 : 3;
              }),
              0);
}

// Whose the function is that RTLD_NEXT finds depends on who asks; so ibid does not answer in its place, and
// nothing is shared any more. In a process of its own.
TEST(WriterLookups, ThatFindsAGetterByTheSearchOrderEndsSharing) {
    EXPECT_EQ(ibid::testing::in_child([] {
                  const bool before = ibid_openssl_why_not(IBID_OPENSSL_FEATURE_CALLS) == nullptr;
                  const bool found = dlsym(RTLD_NEXT, "SSL_get0_peer_certificate") != nullptr;
                  return before && found && ibid_openssl_why_not(IBID_OPENSSL_FEATURE_CALLS) != nullptr ? 0
                                                                                                        : 1;
              }),
              0);
}

// Two tenants of one process, each with a store of its own from one file.
class PrivateStores : public ::testing::Test {
protected:
    PrivateStores() {
        std::ofstream(path_) << as_pem(PEM_STRING_X509, der_of(w.root.certificate.get()))
                             << as_pem(PEM_STRING_X509_CRL, make_crl_der(w.root, 3));
    }
    ~PrivateStores() override { std::remove(path_.c_str()); }

    [[nodiscard]] store_ptr loaded() const {
        store_ptr s(X509_STORE_new());
        check(X509_STORE_load_file(s.get(), path_.c_str()) == 1, "load");
        return s;
    }
    [[nodiscard]] static X509_OBJECT* object(const store_ptr& s, int i) {
        return sk_X509_OBJECT_value(X509_STORE_get0_objects(s.get()), i);
    }
    [[nodiscard]] int verify(const store_ptr& s) const {
        const testbed::owned_verification v(X509_STORE_CTX_new());
        STACK_OF(X509)* const untrusted = sk_X509_new_null();
        sk_X509_push(untrusted, w.intermediate.certificate.get());
        X509_STORE_CTX_init(v.get(), s.get(), w.server_leaf.get(), untrusted);
        X509_STORE_CTX_set_purpose(v.get(), X509_PURPOSE_SSL_SERVER);
        X509_STORE_CTX_set_trust(v.get(), X509_TRUST_SSL_SERVER);
        (void)X509_verify_cert(v.get());
        sk_X509_free(untrusted);
        ERR_clear_error();
        return X509_STORE_CTX_get_error(v.get());
    }

    world w;
    std::string path_ = ::testing::TempDir() + "ibid-tenants-" + std::to_string(getpid()) + ".pem";
};

TEST_F(PrivateStores, DoNotSeeEachOthersTrustSettings) {
    const store_ptr a = loaded();
    const store_ptr b = loaded();
    ASSERT_EQ(verify(a), X509_V_OK);
    ASSERT_EQ(verify(b), X509_V_OK);
    X509* const root = X509_OBJECT_get0_X509(object(a, 0));
    EXPECT_NE(root, X509_OBJECT_get0_X509(object(b, 0)));
    ASSERT_EQ(X509_add1_reject_object(root, OBJ_nid2obj(NID_server_auth)), 1);
    EXPECT_EQ(verify(a), X509_V_ERR_CERT_REJECTED);
    EXPECT_EQ(verify(b), X509_V_OK);
    EXPECT_EQ(verify(loaded()), X509_V_OK);
}

TEST_F(PrivateStores, DoNotSeeEachOthersLists) {
    const store_ptr a = loaded();
    const store_ptr b = loaded();
    X509_CRL* const list = X509_OBJECT_get0_X509_CRL(object(a, 1));
    X509_CRL* const other = X509_OBJECT_get0_X509_CRL(object(b, 1));
    EXPECT_NE(list, other);
    const auto first = [](X509_CRL* crl) {
        return ASN1_INTEGER_get(
            X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl), 0)));
    };
    const long in_file = first(other);
    ASSERT_EQ(X509_CRL_sort(list), 1);
    EXPECT_NE(first(list), in_file);
    EXPECT_EQ(first(other), in_file);
    EXPECT_EQ(first(X509_OBJECT_get0_X509_CRL(object(loaded(), 1))), in_file);
}

TEST_F(PrivateStores, FindInAVerificationWhatTheirStoreLists) {
    const store_ptr s = loaded();
    const testbed::owned_verification v(X509_STORE_CTX_new());
    X509_STORE_CTX_init(v.get(), s.get(), w.intermediate.certificate.get(), nullptr);
    X509* const root = X509_OBJECT_get0_X509(object(s, 0));
    X509* issuer = nullptr;
    EXPECT_EQ(X509_STORE_CTX_get1_issuer(&issuer, v.get(), w.intermediate.certificate.get()), 1);
    EXPECT_EQ(issuer, root);
    X509_free(issuer);
    X509_OBJECT* const found =
        X509_STORE_CTX_get_obj_by_subject(v.get(), X509_LU_X509, X509_get_subject_name(root));
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(X509_OBJECT_get0_X509(found), root);
    X509_OBJECT_free(found);
    STACK_OF(X509)* const all = X509_STORE_CTX_get1_certs(v.get(), X509_get_subject_name(root));
    ASSERT_EQ(sk_X509_num(all), 1);
    EXPECT_EQ(sk_X509_value(all, 0), root);
    sk_X509_pop_free(all, X509_free);
    STACK_OF(X509)* const listed = X509_STORE_get1_all_certs(s.get());
    ASSERT_EQ(sk_X509_num(listed), 1);
    EXPECT_EQ(sk_X509_value(listed, 0), root);
    sk_X509_pop_free(listed, X509_free);
}

} // namespace
} // namespace ibid::test
