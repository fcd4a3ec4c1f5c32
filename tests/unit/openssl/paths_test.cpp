// SPDX-License-Identifier: Apache-2.0
//
// The ways in which OpenSSL obtains a certificate, in addition to the handshakes in interposed_test.cpp: a
// program sees the same stock and under ibid; under ibid, the certificate is one object. See stock_or_ibid.h.
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "certificates.h"
#include "connections.h"
#include "stock_or_ibid.h"

namespace ibid::test {
namespace {

// Both of them held, so that neither address can be used again.
[[nodiscard]] x509_ptr peer_of(const ssl_ptr& side) {
    return x509_ptr(SSL_get1_peer_certificate(side.get()));
}

TEST(Renegotiation, BringsTheSamePeers) {
    const world w;
    const context_ptr client = w.context(TLS_client_method(), false, TLS1_2_VERSION);
    const context_ptr server = w.context(TLS_server_method(), true, TLS1_2_VERSION);
    SSL_CTX_set_options(server.get(), SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
    connection c(client.get(), server.get());
    ASSERT_TRUE(c.shake_hands());
    const x509_ptr servers_before = peer_of(c.client);
    const x509_ptr clients_before = peer_of(c.server);

    ASSERT_EQ(SSL_renegotiate(c.client.get()), 1);
    char byte = 0;
    for (int i = 0; i < 10; ++i) {
        SSL_do_handshake(c.client.get());
        EXPECT_LE(SSL_read(c.server.get(), &byte, 1), 0);
        EXPECT_EQ(SSL_get_error(c.server.get(), -1), SSL_ERROR_WANT_READ);
    }
    ASSERT_EQ(SSL_renegotiate_pending(c.client.get()), 0);
    ASSERT_EQ(SSL_num_renegotiations(c.client.get()), 1);
    ASSERT_EQ(SSL_is_init_finished(c.server.get()), 1);

    const x509_ptr servers_after = peer_of(c.client);
    const x509_ptr clients_after = peer_of(c.server);
    EXPECT_TRUE(shared_as_it_should_be(servers_before.get(), servers_after.get()));
    EXPECT_TRUE(shared_as_it_should_be(clients_before.get(), clients_after.get()));
    EXPECT_EQ(X509_cmp(servers_after.get(), w.server_leaf.get()), 0);
    EXPECT_EQ(X509_cmp(clients_after.get(), w.client_leaf.get()), 0);
    EXPECT_EQ(SSL_get_verify_result(c.client.get()), X509_V_OK);
    EXPECT_EQ(SSL_get_verify_result(c.server.get()), X509_V_OK);
}

TEST(Datagrams, BringTheClientsCertificateToTheServer) {
    const world w;
    const context_ptr client = w.context(DTLS_client_method(), false);
    const context_ptr server = w.context(DTLS_server_method(), true);
    connection a(client.get(), server.get());
    connection b(client.get(), server.get());
    ASSERT_TRUE(a.shake_hands());
    ASSERT_TRUE(b.shake_hands());
    EXPECT_TRUE(shared_as_it_should_be(a.servers_view(), b.servers_view()));
    EXPECT_TRUE(shared_as_it_should_be(a.clients_view(), b.clients_view()));
    EXPECT_EQ(X509_cmp(b.servers_view(), w.client_leaf.get()), 0);

    const session_ptr session = a.session();
    connection resumed(client.get(), server.get(), session.get());
    ASSERT_TRUE(resumed.shake_hands());
    ASSERT_EQ(SSL_session_reused(resumed.server.get()), 1);
    EXPECT_TRUE(shared_as_it_should_be(a.servers_view(), resumed.servers_view())); // it was in the ticket
}

// A leaf with distribution points, in the syntax of a configuration file.
[[nodiscard]] bytes with_distribution_points(const world& w, const char* points) {
    return make_der("server.example", w.key.get(), &w.intermediate, false,
                    {.extensions = {{"crlDistributionPoints", points}}});
}

[[nodiscard]] x509_ptr parse(const bytes& der) {
    const unsigned char* p = der.data();
    return x509_ptr(ibid_openssl_parse_certificate(&p, der.size()));
}

// The first has a name relative to the issuer's name that is not UTF-8. OpenSSL reports this when it first
// decodes the extensions, and then marks the object as decoded. (Exceptions: old 3.0 releases, and releases
// that decode the name when they need it: since 3.0.22, 3.5.9, 4.0.3.) In the second, the distribution points
// are not a list.
constexpr const char* points_with_a_name = "DER:30:12:30:10:a0:0e:a1:0c:30:0a:06:03:55:04:03:0c:03:ff:ff:ff";
constexpr const char* no_points = "DER:04:01:00";
class HalfReadable : public ::testing::TestWithParam<const char*> {};
TEST_P(HalfReadable, IsComplainedOfByEachHolderAtItsFirstUse) {
    const bytes der = with_distribution_points(world(), GetParam());
    const auto first_use = [](X509* x) {
        ERR_clear_error();
        const int answer = X509_self_signed(x, 0);
        return std::pair(answer, ERR_get_error());
    };
    const unsigned char* p = der.data();
    const x509_ptr own(d2i_X509(nullptr, &p, static_cast<long>(der.size()))); // the application's: not shared
    const auto complaint = first_use(own.get());
    ASSERT_TRUE(complaint.first == -1 || GetParam() == points_with_a_name);
    std::vector<x509_ptr> held;
    for (int i = 0; i < 4; ++i) {
        held.push_back(parse(der));
        ASSERT_NE(held.back(), nullptr);
        EXPECT_EQ(first_use(held.back().get()), complaint) << i;
    }
    ERR_clear_error();
}
INSTANTIATE_TEST_SUITE_P(Certificates, HalfReadable, ::testing::Values(points_with_a_name, no_points));

TEST(FirstUse, OfACertificateWhoseListsHaveAddressesIsSharedAsEver) {
    const bytes der =
        with_distribution_points(world(), "URI:http://a.example/list, URI:http://b.example/list");
    const x509_ptr a = parse(der);
    const x509_ptr b = parse(der);
    EXPECT_TRUE(shared_as_it_should_be(a.get(), b.get()));
}

// Sessions are kept outside of OpenSSL, as bytes: memcached, a file, another process.
class ExternalSessionCache : public testing::TestWithParam<int> {
protected:
    static std::map<std::string, bytes>& sessions() {
        static std::map<std::string, bytes> all;
        return all;
    }

    static std::string id_of(const SSL_SESSION* session) {
        unsigned int size = 0;
        const unsigned char* const id = SSL_SESSION_get_id(session, &size);
        return {reinterpret_cast<const char*>(id), size};
    }

    static int on_new(SSL*, SSL_SESSION* session) {
        bytes der(static_cast<std::size_t>(i2d_SSL_SESSION(session, nullptr)));
        unsigned char* p = der.data();
        i2d_SSL_SESSION(session, &p);
        sessions()[id_of(session)] = der;
        return 0;
    }

    static SSL_SESSION* on_get(SSL*, const unsigned char* id, int size, int* copy) {
        *copy = 0;
        const auto found =
            sessions().find({reinterpret_cast<const char*>(id), static_cast<std::size_t>(size)});
        if (found == sessions().end()) {
            return nullptr;
        }
        const unsigned char* p = found->second.data();
        return d2i_SSL_SESSION(nullptr, &p, static_cast<long>(found->second.size()));
    }
};

TEST_P(ExternalSessionCache, BringsThePeerBack) {
    sessions().clear();
    const world w;
    const context_ptr client = w.context(TLS_client_method(), false, GetParam());
    const context_ptr server = w.context(TLS_server_method(), true, GetParam());
    SSL_CTX_set_options(server.get(), SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(server.get(), SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(server.get(), on_new);
    SSL_CTX_sess_set_get_cb(server.get(), on_get);
    connection first(client.get(), server.get());
    ASSERT_TRUE(first.shake_hands());
    ASSERT_FALSE(sessions().empty());
    session_ptr session = first.session();
    for (int i = 0; i < 3; ++i) {
        connection again(client.get(), server.get(), session.get());
        ASSERT_TRUE(again.shake_hands());
        ASSERT_EQ(SSL_session_reused(again.server.get()), 1);
        EXPECT_TRUE(shared_as_it_should_be(first.servers_view(), again.servers_view()));
        EXPECT_EQ(X509_cmp(again.servers_view(), w.client_leaf.get()), 0);
        EXPECT_EQ(SSL_get_verify_result(again.server.get()), X509_V_OK);
        session = again.session(); // TLS 1.3 uses each only once
    }
}

INSTANTIATE_TEST_SUITE_P(Tls, ExternalSessionCache, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& p) { return p.param == TLS1_2_VERSION ? "v1_2" : "v1_3"; });

using response_ptr = testbed::owned<OCSP_RESPONSE, OCSP_RESPONSE_free>;
using basic_ptr = testbed::owned<OCSP_BASICRESP, OCSP_BASICRESP_free>;

// An OCSP response of the intermediate about the server's certificate, which contains the intermediate's
// certificate.
class Responder : public testing::Test {
protected:
    Responder() {
        const basic_ptr basic(OCSP_BASICRESP_new());
        ASN1_TIME* const now = X509_gmtime_adj(nullptr, 0);
        ASN1_TIME* const next = X509_gmtime_adj(nullptr, 3600);
        OCSP_CERTID* const id =
            OCSP_cert_to_id(nullptr, w.server_leaf.get(), w.intermediate.certificate.get());
        OCSP_basic_add1_status(basic.get(), id, V_OCSP_CERTSTATUS_GOOD, 0, nullptr, now, next);
        OCSP_CERTID_free(id);
        ASN1_TIME_free(now);
        ASN1_TIME_free(next);
        check(OCSP_basic_sign(basic.get(), w.intermediate.certificate.get(), w.intermediate.key.get(),
                              EVP_sha256(), nullptr, 0) == 1,
              "sign");
        basic_size = static_cast<std::size_t>(i2d_OCSP_BASICRESP(basic.get(), nullptr));
        const response_ptr response(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
        der.resize(static_cast<std::size_t>(i2d_OCSP_RESPONSE(response.get(), nullptr)));
        unsigned char* p = der.data();
        i2d_OCSP_RESPONSE(response.get(), &p);
    }

    [[nodiscard]] static basic_ptr parse(const bytes& response) {
        const unsigned char* p = response.data();
        const response_ptr r(d2i_OCSP_RESPONSE(nullptr, &p, static_cast<long>(response.size())));
        return basic_ptr(r != nullptr ? OCSP_response_get1_basic(r.get()) : nullptr);
    }

    [[nodiscard]] static X509* responder_of(const basic_ptr& basic) {
        return sk_X509_value(OCSP_resp_get0_certs(basic.get()), 0);
    }

    world w;
    bytes der;
    std::size_t basic_size = 0; // of the signed part, which is the end of `der`
};

// A response that a program parses belongs to the program, with everything in it.
TEST_F(Responder, IsTheProgramsOwnInEachResponse) {
    const basic_ptr a = parse(der);
    const basic_ptr b = parse(der);
    ASSERT_NE(a, nullptr);
    ASSERT_NE(b, nullptr);
    EXPECT_NE(responder_of(a), responder_of(b));
    EXPECT_EQ(X509_cmp(responder_of(b), w.intermediate.certificate.get()), 0);
    const store_ptr store(X509_STORE_new());
    X509_STORE_add_cert(store.get(), w.root.certificate.get());
    EXPECT_EQ(OCSP_basic_verify(a.get(), nullptr, store.get(), 0), 1);
    EXPECT_EQ(OCSP_basic_verify(b.get(), nullptr, store.get(), 0), 1);
    bytes again(basic_size);
    unsigned char* p = again.data();
    EXPECT_EQ(i2d_OCSP_BASICRESP(b.get(), &p), static_cast<int>(basic_size));
    EXPECT_TRUE(std::equal(again.begin(), again.end(), der.end() - static_cast<std::ptrdiff_t>(basic_size)));
}

TEST_F(Responder, IsNotTheObjectOfAHandshake) {
    const context_ptr client = w.context(TLS_client_method(), false);
    const context_ptr server = w.context(TLS_server_method(), true);
    connection c(client.get(), server.get());
    ASSERT_TRUE(c.shake_hands());
    const basic_ptr basic = parse(der);
    X509* const in_chain = sk_X509_value(SSL_get_peer_cert_chain(c.client.get()), 1);
    EXPECT_EQ(X509_cmp(in_chain, responder_of(basic)), 0);
    EXPECT_NE(in_chain, responder_of(basic));
}

// The same bytes as a whole response and as only its signed part.
TEST_F(Responder, OfABrokenResponseIsRefusedAsInOpenSSL) {
    const basic_ptr held = parse(der);
    const auto errors = [] {
        std::vector<unsigned long> all;
        while (const unsigned long error = ERR_get_error()) {
            all.push_back(error);
        }
        return all;
    };
    std::size_t refused = 0;
    for (std::size_t at = der.size() - basic_size; at < der.size(); ++at) {
        bytes damaged = der;
        damaged[at] ^= 0x41;
        ERR_clear_error();
        const basic_ptr met = parse(damaged);
        const auto met_errors = errors();
        const unsigned char* p = damaged.data() + (der.size() - basic_size);
        const basic_ptr stock(d2i_OCSP_BASICRESP(nullptr, &p, static_cast<long>(basic_size)));
        auto stock_errors = errors();
        EXPECT_EQ(met != nullptr, stock != nullptr) << at;
        if (stock == nullptr) {
            // ASN1_item_unpack adds an error of its own at the end.
            ASSERT_FALSE(met_errors.empty());
            stock_errors.push_back(met_errors.back());
            ++refused;
        }
        EXPECT_EQ(met_errors, stock_errors) << at;
    }
    EXPECT_GT(refused, 20U);
}

} // namespace
} // namespace ibid::test
