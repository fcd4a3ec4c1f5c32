// SPDX-License-Identifier: Apache-2.0
//
// A program that uses only OpenSSL and only reads what it gets: what it sees, and which pointers are the same
// object. writers_test.cpp and attacher_test.cpp are for programs that write.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <dlfcn.h>
#include <execinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string_view>
#include <thread>

#include <gtest/gtest.h>

#include "certificates.h"
#include "connections.h"
#include "ibid_openssl.h"
#include "linkage.h"
#include "support/in_child.h"
#include "this_openssl.h"

namespace ibid::test {
namespace {

using ibid::testing::in_child;

TEST(ThisProgram, NamesNothingThatWrites) {
    ASSERT_EQ(ibid_openssl_why_not(IBID_OPENSSL_FEATURE_TRUST_STORES), nullptr);
}

struct versions_of_tls : ::testing::TestWithParam<int> {
    world w;
    context_ptr client = w.context(TLS_client_method(), false, GetParam());
    context_ptr server = w.context(TLS_server_method(), true, GetParam());
};

TEST_P(versions_of_tls, PeersOnTwoConnectionsAreOneObject) {
    connection a(client.get(), server.get());
    connection b(client.get(), server.get());
    ASSERT_TRUE(a.shake_hands());
    ASSERT_TRUE(b.shake_hands());
    EXPECT_EQ(a.clients_view(), b.clients_view());
    EXPECT_EQ(a.servers_view(), b.servers_view());
    EXPECT_EQ(sk_X509_value(SSL_get_peer_cert_chain(a.client.get()), 1),
              sk_X509_value(SSL_get_peer_cert_chain(b.client.get()), 1));
    EXPECT_EQ(X509_cmp(a.clients_view(), w.server_leaf.get()), 0);
    EXPECT_EQ(SSL_get_verify_result(b.client.get()), X509_V_OK);
    EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST_P(versions_of_tls, WhatTheProgramPresentsItselfStaysItsOwn) {
    connection a(client.get(), server.get());
    ASSERT_TRUE(a.shake_hands());
    EXPECT_NE(a.clients_view(), SSL_CTX_get0_certificate(server.get()));
    const bytes der = der_of(w.server_leaf.get());
    SSL_CTX_use_certificate_ASN1(server.get(), static_cast<int>(der.size()), der.data());
    EXPECT_NE(a.clients_view(), SSL_CTX_get0_certificate(server.get()))
        << "parsed by libssl, but for the application";
}

TEST_P(versions_of_tls, TheServersPeerOfAResumedSessionIsTheSameObject) {
    connection first(client.get(), server.get());
    ASSERT_TRUE(first.shake_hands());
    const session_ptr session = first.session();
    connection second(client.get(), server.get(), session.get());
    ASSERT_TRUE(second.shake_hands());
    ASSERT_TRUE(SSL_session_reused(second.server.get()));
    EXPECT_EQ(second.servers_view(), first.servers_view());
    connection third(client.get(), server.get());
    ASSERT_TRUE(third.shake_hands());
    EXPECT_EQ(third.servers_view(), first.servers_view());
}

TEST_P(versions_of_tls, ASerializedSessionComesBackWithTheSharedPeer) {
    connection a(client.get(), server.get());
    ASSERT_TRUE(a.shake_hands());
    const session_ptr session = a.session();
    unsigned char* der = nullptr;
    const int size = i2d_SSL_SESSION(session.get(), &der);
    ASSERT_GT(size, 0);
    const unsigned char* p = der;
    const session_ptr again(d2i_SSL_SESSION(nullptr, &p, size));
    ASSERT_NE(again, nullptr);
    EXPECT_EQ(p, der + size);
    EXPECT_EQ(SSL_SESSION_get0_peer(again.get()), a.clients_view());
    for (int cut = 1; cut < size; cut += 7) { // truncated sessions fail, and nothing leaks or is kept
        p = der;
        EXPECT_EQ(d2i_SSL_SESSION(nullptr, &p, size - cut), nullptr);
    }
    // The outermost length stays correct, and something behind the peer is wrong: decoded parts are freed
    // again.
    bytes damaged(der, der + size);
    for (std::size_t at = damaged.size() - 1; at > damaged.size() - 100; --at) {
        const unsigned char was = std::exchange(damaged[at], 0xff);
        p = damaged.data();
        const session_ptr maybe(d2i_SSL_SESSION(nullptr, &p, size));
        damaged[at] = was;
    }
    ERR_clear_error();
    OPENSSL_free(der);
}

TEST_P(versions_of_tls, AnUntrustedPeerIsRefusedEveryTime) {
    const world stranger; // the same names, other keys
    const context_ptr wrong = stranger.context(TLS_client_method(), false, GetParam());
    for (int i = 0; i < 3; ++i) {
        connection c(wrong.get(), server.get());
        EXPECT_FALSE(c.shake_hands());
        EXPECT_EQ(SSL_get_verify_result(c.client.get()), X509_V_ERR_CERT_SIGNATURE_FAILURE);
        ERR_clear_error();
        connection good(client.get(), server.get());
        EXPECT_TRUE(
            good.shake_hands()); // the memo's entries for the good chain do not affect the other store
    }
}

TEST_P(versions_of_tls, AnExpiredCertificateIsRefusedAlthoughItsSignatureIsRemembered) {
    world old;
    old.server_leaf = make_certificate("server.example", old.key.get(), &old.intermediate, false, 1);
    const context_ptr c = old.context(TLS_client_method(), false, GetParam());
    const context_ptr s = old.context(TLS_server_method(), true, GetParam());
    connection today(c.get(), s.get());
    ASSERT_TRUE(today.shake_hands());
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(c.get()), time(nullptr) + 20 * 86400);
    connection later(c.get(), s.get());
    EXPECT_FALSE(later.shake_hands());
    EXPECT_EQ(SSL_get_verify_result(later.client.get()), X509_V_ERR_CERT_HAS_EXPIRED);
    ERR_clear_error();
}

TEST_P(versions_of_tls, ParsingIntoASharedCertificateLeavesItToItsOtherHolders) {
    connection a(client.get(), server.get());
    ASSERT_TRUE(a.shake_hands());
    connection b(client.get(), server.get());
    ASSERT_TRUE(b.shake_hands());
    ASSERT_EQ(a.clients_view(), b.clients_view());
    const bytes before = der_of(b.clients_view());
    const bytes other = der_of(w.client_leaf.get());
    using parser = X509* (*)(X509**, const bytes&);
    const std::pair<const char*, parser> names[] = {
        {"d2i_X509",
         [](X509** x, const bytes& der) {
             const unsigned char* p = der.data();
             return d2i_X509(x, &p, static_cast<long>(der.size()));
         }},
        {"d2i_X509_AUX",
         [](X509** x, const bytes& der) {
             const unsigned char* p = der.data();
             return d2i_X509_AUX(x, &p, static_cast<long>(der.size()));
         }},
        {"ASN1_item_d2i",
         [](X509** x, const bytes& der) {
             const unsigned char* p = der.data();
             return reinterpret_cast<X509*>(ASN1_item_d2i(
                 reinterpret_cast<ASN1_VALUE**>(x), &p, static_cast<long>(der.size()), ASN1_ITEM_rptr(X509)));
         }},
        {"ASN1_item_d2i_ex",
         [](X509** x, const bytes& der) {
             const unsigned char* p = der.data();
             return reinterpret_cast<X509*>(ASN1_item_d2i_ex(reinterpret_cast<ASN1_VALUE**>(x), &p,
                                                             static_cast<long>(der.size()),
                                                             ASN1_ITEM_rptr(X509), nullptr, nullptr));
         }},
        {"d2i_X509_bio",
         [](X509** x, const bytes& der) {
             const std::unique_ptr<BIO, decltype(&BIO_free)> in(
                 BIO_new_mem_buf(der.data(), static_cast<int>(der.size())), &BIO_free);
             return d2i_X509_bio(in.get(), x);
         }},
        {"PEM_read_bio_X509",
         [](X509** x, const bytes& der) {
             const std::unique_ptr<BIO, decltype(&BIO_free)> in(BIO_new(BIO_s_mem()), &BIO_free);
             PEM_write_bio(in.get(), PEM_STRING_X509, "", der.data(), static_cast<long>(der.size()));
             return PEM_read_bio_X509(in.get(), x, nullptr, nullptr);
         }},
    };
    bytes broken = other;
    broken.resize(broken.size() - 1);
    for (const auto& [name, parse] : names) {
        for (const bool sound : {true, false}) {
            SCOPED_TRACE(name);
            X509* const alias = SSL_get1_peer_certificate(a.client.get());
            X509* mine = alias;
            X509* const got = parse(&mine, sound ? other : broken);
            EXPECT_EQ(got != nullptr, sound);
            if (sound) {
                EXPECT_NE(mine, b.clients_view());
                EXPECT_EQ(got, mine);
                EXPECT_EQ(der_of(mine), other);
            }
            if (mine != alias) { // a parser that failed early has not changed the pointer
                X509_free(mine);
            }
            EXPECT_EQ(der_of(alias), before); // a pointer that the program kept is still valid
            X509_free(alias);
            ERR_clear_error();
            EXPECT_EQ(der_of(b.clients_view()), before);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Tls, versions_of_tls, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& p) { return p.param == TLS1_2_VERSION ? "v1_2" : "v1_3"; });

TEST(Handshake, PostHandshakeAuthenticationSharesTheClientsCertificate) {
    const world w;
    const context_ptr client = w.context(TLS_client_method(), false, TLS1_3_VERSION);
    const context_ptr server = w.context(TLS_server_method(), true, TLS1_3_VERSION);
    connection reference(client.get(), server.get());
    ASSERT_TRUE(reference.shake_hands());
    SSL_CTX_set_verify(server.get(), SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_post_handshake_auth(client.get(), 1);
    connection late(client.get(), server.get());
    ASSERT_TRUE(late.shake_hands());
    ASSERT_EQ(late.servers_view(), nullptr);
    SSL_set_verify(late.server.get(), SSL_VERIFY_PEER, nullptr);
    ASSERT_EQ(SSL_verify_client_post_handshake(late.server.get()), 1);
    for (int i = 0; i < 3; ++i) {
        SSL_do_handshake(late.server.get());
        late.exchange();
    }
    EXPECT_EQ(late.servers_view(), reference.servers_view());
}

TEST(Handshake, DatagramsShareAsStreamsDo) {
    const world w;
    const context_ptr client = w.context(DTLS_client_method(), false);
    const context_ptr server = w.context(DTLS_server_method(), true);
    connection a(client.get(), server.get());
    connection b(client.get(), server.get());
    ASSERT_TRUE(a.shake_hands());
    ASSERT_TRUE(b.shake_hands());
    EXPECT_EQ(a.clients_view(), b.clients_view());
}

TEST(Application, ParsesItsOwnCertificates) {
    const world w;
    const bytes der = der_of(w.server_leaf.get());
    const unsigned char* p = der.data();
    const x509_ptr a(d2i_X509(nullptr, &p, static_cast<long>(der.size())));
    p = der.data();
    const x509_ptr b(d2i_X509(nullptr, &p, static_cast<long>(der.size())));
    EXPECT_NE(a.get(), b.get());
}

class Stores : public ::testing::Test {
protected:
    Stores() : folder_(std::filesystem::temp_directory_path() / ("ibid-stores-" + std::to_string(getpid()))) {
        std::filesystem::create_directories(folder_);
        for (int i = 0; i < 5; ++i) {
            authorities_.push_back(make_authority(std::to_string(9 - i) + " root"));
        }
    }
    ~Stores() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::string write(const std::string& name, bool trusted = false, int certificates = 5,
                                    int crls = 0) const {
        const std::string path = folder_ / name;
        BIO* const out = BIO_new_file(path.c_str(), "w");
        for (int i = 0; i < certificates; ++i) {
            X509* const x = authorities_[static_cast<std::size_t>(i)].certificate.get();
            trusted ? PEM_write_bio_X509_AUX(out, x) : PEM_write_bio_X509(out, x);
        }
        for (int i = 0; i < crls; ++i) {
            const crl_ptr crl = make_crl(authorities_[static_cast<std::size_t>(i)], 10);
            PEM_write_bio_X509_CRL(out, crl.get());
        }
        BIO_free(out);
        return path;
    }

    std::filesystem::path folder_;
    std::vector<authority> authorities_;
};

TEST_F(Stores, TwoContextsHoldTheSameObjectsInTheSameOrder) {
    const std::string path = write("ca.pem");
    store_ptr a(X509_STORE_new());
    store_ptr b(X509_STORE_new());
    ASSERT_EQ(X509_STORE_load_file(a.get(), path.c_str()), 1);
    ASSERT_EQ(X509_STORE_load_file(b.get(), path.c_str()), 1);
    EXPECT_EQ(objects(a.get()).size(), 5U);
    EXPECT_EQ(objects(a.get()), objects(b.get()));
}

TEST_F(Stores, AChangedFileIsNoticedByItsContent) {
    const std::string path = write("ca.pem");
    const auto stamp = std::filesystem::last_write_time(path);
    store_ptr a(X509_STORE_new());
    ASSERT_EQ(X509_STORE_load_file(a.get(), path.c_str()), 1);
    std::swap(authorities_[0], authorities_[1]); // the same length, other content, the same time stamp
    (void)write("ca.pem", false, 4);
    std::filesystem::last_write_time(path, stamp);
    store_ptr b(X509_STORE_new());
    ASSERT_EQ(X509_STORE_load_file(b.get(), path.c_str()), 1);
    EXPECT_EQ(objects(b.get()).size(), 4U);
}

TEST_F(Stores, DuplicatesAreKeptOutWhicheverWayTheStoreIsFilled) {
    const std::string path = write("ca.pem");
    store_ptr a(X509_STORE_new());
    for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(X509_STORE_load_file(a.get(), path.c_str()), 1);
        EXPECT_EQ(objects(a.get()).size(), 5U);
    }
}

TEST_F(Stores, TrustSettingsStayWithTheirOwnCopy) {
    const bytes rejecting =
        make_der("rejects", authorities_[0].key.get(), nullptr, true, {.flags = ibid_pki_rejects_servers});
    const unsigned char* p = rejecting.data();
    authorities_[0].certificate.reset(d2i_X509_AUX(nullptr, &p, static_cast<long>(rejecting.size())));
    const std::string path = write("trusted.pem", true);
    store_ptr a(X509_STORE_new());
    store_ptr b(X509_STORE_new());
    ASSERT_EQ(X509_STORE_load_file(a.get(), path.c_str()), 1);
    ASSERT_EQ(X509_STORE_load_file(b.get(), path.c_str()), 1);
    std::size_t same = 0;
    for (std::size_t i = 0; i < 5; ++i) {
        same += objects(a.get())[i] == objects(b.get())[i] ? 1 : 0;
    }
    EXPECT_LT(same, 5U);
}

TEST_F(Stores, ALargeListOfRevocationsIsOneObject) {
    const std::string path = write("crl.pem", false, 0, 2);
    store_ptr a(X509_STORE_new());
    store_ptr b(X509_STORE_new());
    for (X509_STORE* const s : {a.get(), b.get()}) {
        ASSERT_EQ(X509_STORE_add_cert(s, authorities_[0].certificate.get()), 1);
        ASSERT_EQ(
            X509_load_crl_file(X509_STORE_add_lookup(s, X509_LOOKUP_file()), path.c_str(), X509_FILETYPE_PEM),
            2);
    }
    EXPECT_EQ(objects(a.get()).size(), 3U);
    EXPECT_EQ(objects(a.get())[2], objects(b.get())[2]);
}

TEST_F(Stores, AStoreThatIsLoadedWithEverOtherFilesHoldsTheLatestOfThem) {
    ibid_openssl_retain(0, 0);
    const auto held = [] {
        ibid_openssl_statistics s{};
        s.size = sizeof s;
        EXPECT_EQ(ibid_openssl_get_statistics(IBID_OPENSSL_TRUST_STORES, &s), 1);
        return s.active;
    };
    const auto before = held();
    {
        store_ptr a(X509_STORE_new());
        for (int i = 0; i < 40; ++i) {
            authorities_[0] = make_authority("root");
            ASSERT_EQ(X509_STORE_load_file(a.get(), write("one.pem", false, 1).c_str()), 1);
        }
        EXPECT_EQ(objects(a.get()).size(), 40U);
        EXPECT_GT(held(), before);
        EXPECT_LE(held(), before + 32);
    }
    EXPECT_EQ(held(), before);
    ibid_openssl_retain(std::size_t{4} << 20, 1024);
}

TEST_F(Stores, ACertificateWithFaultyExtensionsIsComplainedOfEachTime) {
    const authority& issuer = authorities_[0];
    const x509_ptr faulty = certificate_of(make_der("faulty", issuer.key.get(), &issuer, false,
                                                    {.extensions = {{"authorityKeyIdentifier", "DER:3F"}}}));
    const std::string path = folder_ / "faulty.pem";
    BIO* const out = BIO_new_file(path.c_str(), "w");
    PEM_write_bio_X509(out, faulty.get());
    BIO_free(out);
    for (int i = 0; i < 3; ++i) {
        store_ptr s(X509_STORE_new());
        ASSERT_EQ(X509_STORE_load_file(s.get(), path.c_str()), 1);
        ERR_clear_error();
        X509* const x = objects_of(s.get()).certificate(0);
        EXPECT_NE(X509_get_extension_flags(x) & EXFLAG_INVALID, 0U);
        EXPECT_NE(ERR_peek_error(), 0U) << i;
        ERR_clear_error();
    }
}

TEST_F(Stores, FilesThatOpenSSLRefusesAreRefusedInItsWords) {
    const std::string empty = folder_ / "empty.pem";
    std::ofstream(empty) << "nothing here\n";
    const std::string cut = folder_ / "cut.pem";
    std::ofstream(cut) << "-----BEGIN CERTIFICATE-----\nMIIB\n";
    for (const std::string& path : {empty, cut, std::string(folder_ / "none.pem"), folder_.string()}) {
        std::vector<unsigned long> errors[2];
        for (auto& e : errors) {
            store_ptr s(X509_STORE_new());
            ERR_clear_error();
            EXPECT_EQ(X509_STORE_load_file(s.get(), path.c_str()), 0) << path;
            while (const unsigned long code = ERR_get_error()) {
                e.push_back(code);
            }
            EXPECT_FALSE(e.empty());
        }
        EXPECT_EQ(errors[0], errors[1]);
    }
}

// A fork while other threads do handshakes: the child's copy of ibid must work, whatever the other threads
// did.
constexpr int waits_for_openssl = 2;
constexpr int waits_for_ibid = 3;

// In a process with threads, a forked child may inherit an OpenSSL lock that is never released (above all,
// that of ex_data), with ibid and without it. The first caller that is neither in libc nor in this program
// shows whose lock the child waits for.
void say_who_waits(int) {
    void* frames[64];
    const int count = backtrace(frames, 64);
    for (int i = 0; i < count; ++i) {
        Dl_info place{};
        const std::string_view file = dladdr(frames[i], &place) != 0 ? place.dli_fname : "";
        if (file.find("libcrypto") != file.npos || file.find("libssl") != file.npos) {
            _exit(waits_for_openssl);
        }
        if (file.find("libibid") != file.npos) {
            _exit(waits_for_ibid);
        }
    }
    _exit(waits_for_ibid);
}

TEST(Process, ForksWhileThreadsAreAtWork) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "the sanitizer itself does not survive a fork among threads";
#endif
    const world w;
    const context_ptr client = w.context(TLS_client_method(), false);
    const context_ptr server = w.context(TLS_server_method(), true);
    void* first[1];
    backtrace(first, 1); // makes it load its libraries now; a child could not do that
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            while (!stop) {
                connection c(client.get(), server.get());
                EXPECT_TRUE(c.shake_hands());
            }
        });
    }
    int good_ones = 0;
    for (int i = 0; i < 60 && good_ones < 20; ++i) {
        const int status = in_child([] {
            std::signal(SIGALRM, &say_who_waits);
            alarm(10);
            outlast_first_certificates();
            return two_connections().share() ? 0 : 1;
        });
        if (status != waits_for_openssl) {
            EXPECT_EQ(status, 0);
            ++good_ones;
        }
    }
    EXPECT_EQ(good_ones, 20);
    stop = true;
    for (std::thread& t : threads) {
        t.join();
    }
}

std::atomic<bool> handlers_work{false};

// A program's own fork handlers use OpenSSL before and after the fork, in parent and child.
TEST(Process, TheProgramsForkHandlersMayUseOpenSSL) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "the sanitizer itself does not survive a fork among threads";
#endif
    constexpr auto work = +[] {
        if (handlers_work) {
            const world w;
            connection c(w.context(TLS_client_method(), false).get(),
                         w.context(TLS_server_method(), true).get());
            EXPECT_TRUE(c.shake_hands());
        }
    };
    ASSERT_EQ(pthread_atfork(work, work, work), 0);
    work();
    handlers_work = true;
    EXPECT_EQ(in_child([] { return 0; }), 0);
    handlers_work = false;
}

TEST(Process, AThreadThatIsToBeCancelledForks) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "the sanitizer itself does not survive a fork among threads";
#endif
    const world w;
    connection c(w.context(TLS_client_method(), false).get(), w.context(TLS_server_method(), true).get());
    ASSERT_TRUE(c.shake_hands());
    int status = -1;
    std::thread([&] {
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
        pthread_cancel(pthread_self());
        const pid_t child = [] {
            pthread_setcancelstate(PTHREAD_CANCEL_ENABLE,
                                   nullptr); // deferred: at the next cancellation point
            const pid_t forked = fork();
            pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
            return forked;
        }();
        if (child == 0) {
            _exit(0);
        }
        waitpid(child, &status, 0);
    }).join();
    EXPECT_EQ(status, 0);
}

TEST(Parsing, ThatFailsBeforeTheCertificateLeavesWhatStoodThere) {
    const world w;
    connection c(w.context(TLS_client_method(), false).get(), w.context(TLS_server_method(), true).get());
    ASSERT_TRUE(c.shake_hands());
    X509* x = SSL_get1_peer_certificate(c.client.get());
    X509* const peer = x;
    BIO* const nothing = BIO_new(BIO_s_mem());
    EXPECT_EQ(PEM_read_bio_X509(nothing, &x, nullptr, nullptr), nullptr); // the end of a loop over a file
    EXPECT_EQ(x, peer);
    EXPECT_EQ(d2i_X509_bio(nothing, &x), nullptr);
    EXPECT_EQ(x, peer);
    BIO_free(nothing);
    X509_free(x);
    ERR_clear_error();
}

// These are last, and each in its own process, because afterwards nothing is shared.
TEST(Process, IsDisabledWhenOpenSSLHasEnded) {
    const int status = in_child([] {
        outlast_first_certificates();
        X509* peer = nullptr;
        {
            const world w;
            const context_ptr client = w.context(TLS_client_method(), false);
            const context_ptr server = w.context(TLS_server_method(), true);
            connection one(client.get(), server.get());
            if (!one.shake_hands()) {
                return 1;
            }
            ibid_openssl_retain(0, 0);
            peer = SSL_get1_peer_certificate(one.client.get());
        }
        const bool before = ibid_openssl_why_not(IBID_OPENSSL_FEATURE_CALLS) == nullptr;
        OPENSSL_cleanup();
        X509_free(peer); // OpenSSL calls no callback
        return before && ibid_openssl_why_not(IBID_OPENSSL_FEATURE_CALLS) != nullptr ? 0 : 2;
    });
    EXPECT_EQ(status, 0);
}

TEST(Process, IsDisabledWhenAThreadGetsADefaultContextOfItsOwn) {
    const int status = in_child([&] {
        outlast_first_certificates();
        two_connections c;
        bool good = c.share();
        OSSL_LIB_CTX* const own = OSSL_LIB_CTX_new();
        std::thread([&] {
            OSSL_LIB_CTX_set0_default(own);
            c.one.client.reset(); // a shared certificate is freed here, and OpenSSL calls no callback
            c.one.server.reset();
            c.two.client.reset();
            c.two.server.reset();
        }).join();
        for (int i = 0; i < 3; ++i) {
            connection later(c.client.get(), c.server.get());
            connection last(c.client.get(), c.server.get());
            good = good && later.shake_hands() && last.shake_hands() &&
                   later.clients_view() != last.clients_view();
        }
        return good ? 0 : 1;
    });
    EXPECT_EQ(status, 0);
}

// With so many indices that OpenSSL must allocate to call the callbacks at an object's end. The objects that
// are shared by then still have two holders.
TEST(Process, IsDisabledWhenTheIndicesOfCertificatesBecomeTooMany) {
    const int status = in_child([&] {
        outlast_first_certificates();
        two_connections c;
        bool good = c.share();
        int index = 0;
        while (index < 7) {
            index = X509_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
            good = good && ibid_openssl_why_not(IBID_OPENSSL_FEATURE_CALLS) == nullptr;
        }
        index = X509_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
        good = good && index == 8 && ibid_openssl_why_not(IBID_OPENSSL_FEATURE_CALLS) != nullptr;

        const bytes before = der_of(c.one.clients_view());
        X509* mine = SSL_get1_peer_certificate(c.two.client.get());
        const bytes other = der_of(c.w.client_leaf.get());
        const unsigned char* p = other.data();
        good = good && d2i_X509(&mine, &p, static_cast<long>(other.size())) != nullptr &&
               der_of(mine) == other && der_of(c.one.clients_view()) == before;
        return good ? 0 : 1;
    });
    EXPECT_EQ(status, 0);
}

TEST(Process, IsDisabledForAProgramThatIsToldOfEveryCertificate) {
    const int status = in_child([&] {
        static int freed = 0;
        const int index =
            CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509, 0, nullptr, nullptr, nullptr,
                                    [](void*, void*, CRYPTO_EX_DATA*, int, long, void*) { ++freed; });
        const two_connections c;
        const bool good = index > 0 && c.shaken && !c.share();
        const int before = freed;
        X509_free(X509_dup(c.w.client_leaf.get()));
        return good && freed > before ? 0 : 1;
    });
    EXPECT_EQ(status, 0);
}

} // namespace
} // namespace ibid::test
