// SPDX-License-Identifier: Apache-2.0
//
// A long run: threads do full and resumed handshakes in TLS 1.2 and 1.3; some are aborted. Meanwhile
// certificates, CA files and CRL files are replaced, and contexts that load them are made and freed.
//
// Law: memory does not grow from the first tenth to the end. After everything is freed and retention is off,
// no entry is left. IBID_SOAK_HANDSHAKES is the number of handshakes; the default takes a few seconds, and is
// two million with IBID_TEST_LONG=1.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <malloc.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "certificates.h"
#include "connections.h"
#include "ibid_openssl.h"

namespace ibid::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

[[nodiscard]] long wanted() {
    if (const char* const said = std::getenv("IBID_SOAK_HANDSHAKES")) {
        return std::atol(said);
    }
    const long all = std::getenv("IBID_TEST_LONG") != nullptr ? 2'000'000 : 4'000;
    return sanitized ? all / 10 : all;
}

[[nodiscard]] std::int64_t heap() {
    malloc_trim(0);
    const struct mallinfo2 info = mallinfo2();
    return static_cast<std::int64_t>(info.uordblks + info.hblkhd);
}

[[nodiscard]] ibid_openssl_statistics statistics_of(ibid_openssl_kind kind) {
    ibid_openssl_statistics s{};
    s.size = sizeof s;
    EXPECT_EQ(ibid_openssl_get_statistics(kind, &s), 1);
    return s;
}

// The files on disk: authorities with their CRLs. Their contents and lengths are replaced while other threads
// read.
class files {
public:
    explicit files(const world& w)
        : w_(w), folder_(std::filesystem::temp_directory_path() / ("ibid-soak-" + std::to_string(getpid()))) {
        std::filesystem::create_directories(folder_);
        replace(0);
    }
    ~files() { std::filesystem::remove_all(folder_); }

    void replace(int version) {
        const std::string fresh = folder_ / "new.pem";
        BIO* const out = BIO_new_file(fresh.c_str(), "w");
        PEM_write_bio_X509(out, w_.root.certificate.get());
        for (const authority* const issuer : {&w_.root, &w_.intermediate}) {
            PEM_write_bio_X509_CRL(out, make_crl(*issuer, 3 + version % 7).get());
        }
        BIO_free(out);
        std::filesystem::rename(fresh, path());
    }
    [[nodiscard]] std::string path() const { return folder_ / "trust.pem"; }

private:
    const world& w_;
    std::filesystem::path folder_;
};

class soak {
public:
    explicit soak(long handshakes) : handshakes_(handshakes), disk_(w_) { issue(); }

    // Runs all threads for each tenth in turn. After a tenth, everything that they used is freed.
    void run(long from, long to) {
        next_ = from;
        std::vector<std::thread> threads;
        for (unsigned i = 0; i < 8; ++i) {
            threads.emplace_back([this, to, seed = static_cast<unsigned>(from) + i] { work(to, seed); });
        }
        for (std::thread& t : threads) {
            t.join();
        }
    }

    [[nodiscard]] long handshakes() const noexcept { return handshakes_; }
    [[nodiscard]] long resumed() const noexcept { return resumed_; }

private:
    static constexpr std::size_t leaves = 24;
    struct leaf {
        x509_ptr server;
        x509_ptr client;
    };

    // One leaf in eight has an RSA key.
    [[nodiscard]] EVP_PKEY* key_of(std::size_t which) const {
        return which % leaves % 8 == 7 ? rsa_.get() : w_.key.get();
    }

    // New certificates replace an old pair; their keys stay.
    void issue() {
        const std::lock_guard lock(issuing_);
        for (std::size_t i = 0; i < leaves; ++i) {
            leaf& l = leaves_[i];
            if (l.server == nullptr || i == issued_ % leaves) {
                l.server = make_certificate("server.example", key_of(i), &w_.intermediate, false);
                l.client = make_certificate("client.example", key_of(i), &w_.intermediate, false);
            }
        }
        ++issued_;
    }

    [[nodiscard]] context_ptr context(bool server, std::size_t which) {
        context_ptr c;
        {
            const std::lock_guard lock(issuing_);
            const leaf& l = leaves_[which % leaves];
            c = w_.context(server ? TLS_server_method() : TLS_client_method(), server,
                           server ? l.server.get() : l.client.get(), key_of(which));
        }
        X509_STORE* const store = SSL_CTX_get_cert_store(c.get());
        EXPECT_EQ(X509_STORE_load_file(store, disk_.path().c_str()), 1);
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
        return c;
    }

    void work(long to, unsigned seed) {
        std::mt19937 random(seed);
        context_ptr client;
        context_ptr server;
        session_ptr session;
        for (long i = next_++; i < to; i = next_++) {
            if (client == nullptr || random() % 50 == 0) {
                session.reset();
                client = context(false, random());
                server = context(true, random());
            }
            if (random() % 1000 == 0) {
                issue();
            }
            if (random() % 2000 == 0) {
                const std::lock_guard lock(replacing_);
                disk_.replace(++version_);
            }
            shake_hands(random, client.get(), server.get(), session);
        }
        ERR_clear_error();
        OPENSSL_thread_stop();
    }

    void shake_hands(std::mt19937& random, SSL_CTX* client, SSL_CTX* server, session_ptr& session) {
        const bool resume = session != nullptr && random() % 4 != 0;
        connection c(client, server, resume ? session.get() : nullptr);
        if (resume) { // otherwise the server chooses TLS 1.3, and does a full handshake
            SSL_set_max_proto_version(c.client.get(), SSL_SESSION_get_protocol_version(session.get()));
        } else if (random() % 4 == 0) {
            SSL_set_max_proto_version(c.client.get(), TLS1_2_VERSION);
        }
        if (random() % 16 == 0) { // gives up in the middle
            SSL_do_handshake(c.client.get());
            SSL_do_handshake(c.server.get());
            if (random() % 2 == 0) {
                SSL_do_handshake(c.client.get());
            }
            ERR_clear_error();
            return;
        }
        const bool done = c.shake_hands();
        EXPECT_TRUE(done) << ERR_error_string(ERR_peek_error(), nullptr);
        if (!done) {
            ERR_clear_error();
            return;
        }
        EXPECT_EQ(SSL_get_verify_result(c.client.get()), X509_V_OK);
        EXPECT_NE(c.servers_view(), nullptr);
        resumed_ += SSL_session_reused(c.server.get()) != 0 ? 1 : 0;
        if (session == nullptr || random() % 4 == 0) {
            session = c.session();
        }
        SSL_set_shutdown(c.client.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_set_shutdown(c.server.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }

    const long handshakes_;
    const world w_;
    const key_ptr rsa_{EVP_RSA_gen(2048)};
    std::mutex issuing_; // protects leaves_ and issued_
    std::array<leaf, leaves> leaves_;
    std::size_t issued_ = 0;
    std::mutex replacing_; // protects version_; only one new file is made at a time
    int version_ = 0;
    files disk_;
    std::atomic<long> next_{0};
    std::atomic<long> resumed_{0};
};

TEST(soak, of_full_and_resumed_handshakes_leaves_nothing_behind) {
    // A single arena, because free memory in each thread's own arena is no leak.
    mallopt(M_ARENA_MAX, 1);
    {
        soak s(wanted());
        std::int64_t early = 0;
        for (long tenth = 0; tenth < 10; ++tenth) {
            s.run(s.handshakes() * tenth / 10, s.handshakes() * (tenth + 1) / 10);
            ibid_openssl_trim();
            early = tenth == 0 ? heap() : early;
        }
        const std::int64_t late = heap();
        std::printf("%ld handshakes, %ld of them resumed; heap after a tenth %ld bytes, at the end %ld\n",
                    s.handshakes(), s.resumed(), static_cast<long>(early), static_cast<long>(late));
        EXPECT_GT(s.resumed(), s.handshakes() / 10);
        if (!sanitized) {
            // An ended thread leaves some memory in OpenSSL's and malloc's own structures, but its size does
            // not depend on the number of handshakes.
            EXPECT_LT(late - early, 64 << 10);
        }
    }
    ibid_openssl_retain(0, 0);
    for (const ibid_openssl_kind kind : {IBID_OPENSSL_CERTIFICATES, IBID_OPENSSL_TRUST_STORES}) {
        const ibid_openssl_statistics left = statistics_of(kind);
        EXPECT_GT(left.hits, 0U);
        EXPECT_EQ(left.active, 0U);
        EXPECT_EQ(left.retained, 0U);
    }
}

} // namespace
} // namespace ibid::test
