// SPDX-License-Identifier: Apache-2.0
//
// Memory runs out at each allocation in turn: in TLS 1.3 and 1.2 handshakes that authenticate both sides, in
// a resumption, in the load of a trust store, and in the load of CRLs and a verification with them. With
// IBID_TEST_WRITES, in a program that writes to the objects that it gets.
//
// Laws: if ibid's own allocation fails, the program does not notice. If any allocation fails, the program
// gets OpenSSL's result or error, ibid does not crash, nothing leaks, and later operations work as before.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <dlfcn.h>
#include <execinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <new>
#include <string_view>
#include <tuple>

#include <gtest/gtest.h>

#include "certificates.h"
#include "connections.h"
#include "ibid_openssl.h"
#include "support/failing_malloc.h"
#include "this_openssl.h"

namespace ibid::test {
namespace {

using ibid::testing::fail_malloc;
using ibid::testing::malloc_blocks_out;

enum outcome : int {
    done = 0,
    refused = 1,
    openssl_crashed = 2,
    ibid_crashed = 3,
    broken_afterwards = 4,
    all_met = 5
};

// Each operation of the program is done twice: without and with an existing object to share.
class scenes {
public:
    scenes() : path_(std::filesystem::temp_directory_path() / ("ibid-memory-" + std::to_string(getpid()))) {
        BIO* const out = BIO_new_file(path_.c_str(), "w");
        PEM_write_bio_X509(out, w_.root.certificate.get());
        PEM_write_bio_X509(out, w_.intermediate.certificate.get());
        PEM_write_bio_X509_CRL(out, make_crl(w_.root, 5).get());
        BIO_free(out);
        BIO* const crls = BIO_new_file(crls_.c_str(), "w");
        for (const authority* const issuer : {&w_.root, &w_.intermediate}) {
            PEM_write_bio_X509_CRL(crls, make_crl(*issuer, 5).get());
        }
        BIO_free(crls);
        for (SSL_CTX* const c : {client_.get(), server_.get(),
                                 older_server_.get()}) { // otherwise the number of cached sessions would grow
            SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
        }
    }
    ~scenes() {
        std::filesystem::remove(path_);
        std::filesystem::remove(crls_);
    }

    [[nodiscard]] bool handshakes() { return two_handshakes(server_.get()); }
    [[nodiscard]] bool older_handshakes() { return two_handshakes(older_server_.get()); }

    [[nodiscard]] bool resumption() {
        if (session_ == nullptr) {
            connection first(client_.get(), server_.get());
            if (!first.shake_hands()) {
                return false;
            }
            session_ = first.session();
        }
        connection c(client_.get(), server_.get(), session_.get());
        return c.shake_hands() && c.servers_view() != nullptr;
    }

    [[nodiscard]] bool stores() {
        for (int i = 0; i < 2; ++i) {
            const store_ptr store(X509_STORE_new());
            if (store == nullptr || X509_STORE_load_file(store.get(), path_.c_str()) != 1 ||
                objects_of(store.get()).count() != 3) {
                return false;
            }
        }
        return true;
    }

    [[nodiscard]] bool revocations() {
        for (int i = 0; i < 2; ++i) {
            const store_ptr store(X509_STORE_new());
            X509_LOOKUP* const lookup =
                store != nullptr ? X509_STORE_add_lookup(store.get(), X509_LOOKUP_file()) : nullptr;
            if (lookup == nullptr || X509_load_crl_file(lookup, crls_.c_str(), X509_FILETYPE_PEM) != 2 ||
                X509_STORE_load_file(store.get(), path_.c_str()) != 1) {
                return false;
            }
            X509_STORE_set_flags(store.get(), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
            const verification_ptr verification(X509_STORE_CTX_new());
            if (verification == nullptr ||
                X509_STORE_CTX_init(verification.get(), store.get(), w_.server_leaf.get(), nullptr) != 1 ||
                X509_verify_cert(verification.get()) != 1) {
                return false;
            }
        }
        return true;
    }

#ifdef IBID_TEST_WRITES
    // Writes to the object that ibid gives a writer: its own copy, made while memory runs out.
    [[nodiscard]] bool writes() {
        connection a(client_.get(), server_.get());
        return a.shake_hands() && a.clients_view() != nullptr &&
               X509_alias_set1(a.clients_view(), reinterpret_cast<const unsigned char*>("mine"), 4) == 1 &&
               SSL_get0_verified_chain(a.client.get()) != nullptr && handshakes();
    }
#endif

private:
    using verification_ptr = testbed::owned_verification;

    [[nodiscard]] bool two_handshakes(SSL_CTX* server) {
        connection a(client_.get(), server);
        connection b(client_.get(), server);
        return a.shake_hands() && b.shake_hands() && a.clients_view() != nullptr &&
               b.servers_view() != nullptr && SSL_get_verify_result(a.client.get()) == X509_V_OK &&
               SSL_get_verify_result(b.client.get()) == X509_V_OK;
    }

    world w_;
    std::filesystem::path path_;
    std::string crls_ = path_.string() + "-crls";
    context_ptr client_ = w_.context(TLS_client_method(), false);
    context_ptr server_ = w_.context(TLS_server_method(), true);
    context_ptr older_server_ = w_.context(TLS_server_method(), true, TLS1_2_VERSION);
    session_ptr session_;
};

using scene = bool (scenes::*)();
struct named_scene {
    const char* name;
    scene play;
};

class out_of_memory : public ::testing::TestWithParam<named_scene> {
protected:
    [[nodiscard]] bool play() {
        bool good = false;
        try {
            good = (all_.*GetParam().play)();
        } catch (const std::bad_alloc&) { // thrown by `connection`
        }
        ERR_clear_error();
        return good;
    }
    scenes all_;
};

TEST_P(out_of_memory, of_ibids_own_is_not_noticed) {
    const auto code = reinterpret_cast<const void*>(&ibid_openssl_trim);
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(play()); // OpenSSL's one-time allocations are done
    }
    ibid_openssl_trim();
    const std::size_t before = malloc_blocks_out();
    std::size_t n = 0;
    for (bool met = true; met; ++n) {
        ibid_openssl_trim(); // so that objects are shared anew
        bool good = false;
        {
            const fail_malloc failing(n, code);
            good = play();
            met = failing.failed();
        }
        EXPECT_TRUE(good) << "at allocation " << n;
    }
    if (ibid_openssl_why_not(IBID_OPENSSL_FEATURE_PEERS) == nullptr) {
        EXPECT_GT(n, 1U);
    } else {
        EXPECT_EQ(n, 1U) << "in a program that writes, nothing is shared, so ibid allocates nothing";
    }
    EXPECT_TRUE(play());
    ibid_openssl_trim();
    EXPECT_LE(malloc_blocks_out(), before + 8); // one or two tables have grown; nothing leaks at each failure
}

// With everything for which OpenSSL allocates at the first use of a certificate: a name relative to the
// issuer's name, and RSA-PSS parameters.
[[nodiscard]] bytes certificate_that_takes_memory() {
    const key_ptr key(EVP_RSA_gen(2048));
    return make_der("issuer", key.get(), nullptr, true,
                    {.extensions = {{"crlDistributionPoints",
                                     "DER:30:12:30:10:a0:0e:a1:0c:30:0a:06:03:55:04:03:0c:03:61:62:63"}},
                     .flags = ibid_pki_pss});
}

// If OpenSSL's first use of an object fails to decode its key or extensions, OpenSSL does not try again for
// that object.
TEST(out_of_memory_at_first_use, is_that_holders_alone) {
    const world w;
    for (const bytes& der :
         {der_of(w.server_leaf.get()), der_of(w.root.certificate.get()), certificate_that_takes_memory()}) {
        const auto parse = [&der] {
            const unsigned char* p = der.data();
            return x509_ptr(ibid_openssl_parse_certificate(&p, der.size()));
        };
        const auto look = [](X509* x) {
            int strength = 0;
            const int known = X509_get_signature_info(x, nullptr, nullptr, &strength, nullptr);
            const EVP_PKEY* const key = X509_get0_pubkey(x);
            return std::tuple(X509_get_extension_flags(x), known, strength, EVP_PKEY_get_bits(key),
                              EVP_PKEY_get_security_bits(key), EVP_PKEY_get_size(key));
        };
        const unsigned char* p = der.data();
        const x509_ptr stock(d2i_X509(nullptr, &p, static_cast<long>(der.size())));
        const auto sound = look(stock.get());
        std::size_t n = 0;
        for (bool met = true; met; ++n) {
            ibid_openssl_trim();
            x509_ptr first;
            {
                const fail_malloc failing(n);
                first = parse();
                if (first != nullptr) {
                    look(first.get());
                }
                met = failing.failed();
            }
            ERR_clear_error();
            const x509_ptr second = parse(); // while the first is held
            EXPECT_EQ(look(second.get()), sound) << "at allocation " << n;
            EXPECT_EQ(EVP_PKEY_eq(X509_get0_pubkey(second.get()), X509_get0_pubkey(stock.get())), 1) << n;
            ERR_clear_error();
        }
        EXPECT_GT(n, 1U);
    }
}

// The innermost frame that is neither in libc nor in this program shows where a crash happened.
void say_who_crashed(int) {
    void* frames[64];
    const int count = backtrace(frames, 64);
    for (int i = 0; i < count; ++i) {
        Dl_info place{};
        const std::string_view file = dladdr(frames[i], &place) != 0 ? place.dli_fname : "";
        if (file.find("libcrypto") != file.npos || file.find("libssl") != file.npos) {
            _exit(openssl_crashed); // it does so without ibid, too
        }
        if (file.find("libibid") != file.npos) {
            _exit(ibid_crashed);
        }
    }
    _exit(ibid_crashed);
}

TEST_P(out_of_memory, of_anybody_is_openssls_to_report) {
    ASSERT_TRUE(play());
    ibid_openssl_trim();
    void* first[1];
    backtrace(first, 1); // makes it load its libraries now
    // A process for each allocation, so that OpenSSL's own failures do not add up.
    const bool every = std::getenv("IBID_TEST_LONG") != nullptr;
    int seen[6] = {};
    std::size_t n = 0;
    for (bool met = true; met; n += every ? 1 : 61) {
        const pid_t child = fork();
        if (child == 0) {
            std::signal(SIGSEGV, &say_who_crashed);
            std::signal(SIGABRT, &say_who_crashed);
            std::signal(SIGALRM, &say_who_crashed);
            alarm(300); // ends a hang; long, because the machine may be busy
            bool good = false;
            bool failed = false;
            {
                const fail_malloc failing(n);
                good = play();
                failed = failing.failed();
            }
            if (!play() || !play()) {
                _exit(broken_afterwards);
            }
            _exit(!failed ? all_met : good ? done : refused);
        }
        int status = -1;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFEXITED(status)) << "at allocation " << n << ": signal " << WTERMSIG(status);
        const int said = WEXITSTATUS(status);
        ASSERT_LE(said, all_met);
        EXPECT_NE(said, ibid_crashed) << "at allocation " << n;
        EXPECT_NE(said, broken_afterwards) << "at allocation " << n;
        ++seen[said];
        met = said != all_met;
    }
    std::printf("%s: %d allocations: %d went on, %d refused, %d ended OpenSSL itself\n", GetParam().name,
                seen[done] + seen[refused] + seen[openssl_crashed], seen[done], seen[refused],
                seen[openssl_crashed]);
    EXPECT_GT(seen[refused], 0);
}

constexpr named_scene played[] = {
#ifdef IBID_TEST_WRITES
    {"writes", &scenes::writes},
#else
    {"handshakes", &scenes::handshakes},   {"older_handshakes", &scenes::older_handshakes},
    {"resumption", &scenes::resumption},   {"stores", &scenes::stores},
    {"revocations", &scenes::revocations},
#endif
};
INSTANTIATE_TEST_SUITE_P(in, out_of_memory, ::testing::ValuesIn(played),
                         [](const auto& p) { return std::string(p.param.name); });

} // namespace
} // namespace ibid::test
