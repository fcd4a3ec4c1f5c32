// SPDX-License-Identifier: Apache-2.0
//
// Memory runs out at each allocation in turn, in a handshake, a resumption, a load of a trust store.
//
// Laws: when it is ibid's own allocation that fails, the program does not notice. When it is any, the program gets what
// OpenSSL gives, a result or an error; no crash in ibid; nothing is lost; and what is done afterwards works as ever.
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
#include <string_view>

#include <gtest/gtest.h>

#include "certificates.h"
#include "connections.h"
#include "ibid_openssl.h"
#include "support/failing_malloc.h"

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

// What a program does, twice over: something to share is there already, or not.
class scenes {
public:
    scenes() : path_(std::filesystem::temp_directory_path() / ("ibid-memory-" + std::to_string(getpid()))) {
        BIO* const out = BIO_new_file(path_.c_str(), "w");
        PEM_write_bio_X509(out, w_.root.certificate.get());
        PEM_write_bio_X509(out, w_.intermediate.certificate.get());
        PEM_write_bio_X509_CRL(out, make_crl(w_.root, 5).get());
        BIO_free(out);
        for (SSL_CTX* const c :
             {client_.get(), server_.get()}) { // sessions that are kept would grow in number
            SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
        }
    }
    ~scenes() { std::filesystem::remove(path_); }

    [[nodiscard]] bool handshakes() {
        connection a(client_.get(), server_.get());
        connection b(client_.get(), server_.get());
        return a.shake_hands() && b.shake_hands() && a.clients_view() != nullptr &&
               b.servers_view() != nullptr && SSL_get_verify_result(a.client.get()) == X509_V_OK &&
               SSL_get_verify_result(b.client.get()) == X509_V_OK;
    }

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
                sk_X509_OBJECT_num(X509_STORE_get0_objects(store.get())) != 3) {
                return false;
            }
        }
        return true;
    }

    [[nodiscard]] bool writes() {
        connection a(client_.get(), server_.get());
        return a.shake_hands() &&
               X509_alias_set1(a.clients_view(), reinterpret_cast<const unsigned char*>("mine"), 4) == 1 &&
               handshakes();
    }

private:
    world w_;
    std::filesystem::path path_;
    context_ptr client_ = w_.context(TLS_client_method(), false);
    context_ptr server_ = w_.context(TLS_server_method(), true);
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
        const bool good = (all_.*GetParam().play)();
        ERR_clear_error();
        return good;
    }
    scenes all_;
};

TEST_P(out_of_memory, of_ibids_own_is_not_noticed) {
    const auto code = reinterpret_cast<const void*>(&ibid_openssl_trim);
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(play()); // what OpenSSL makes once is made
    }
    ibid_openssl_trim();
    const std::size_t before = malloc_blocks_out();
    std::size_t n = 0;
    for (bool met = true; met; ++n) {
        ibid_openssl_trim(); // so that there is something to share anew
        bool good = false;
        {
            const fail_malloc failing(n, code);
            good = play();
            met = failing.failed();
        }
        EXPECT_TRUE(good) << "at allocation " << n;
    }
    EXPECT_GT(n, 1U);
    EXPECT_TRUE(play());
    ibid_openssl_trim();
    EXPECT_LE(malloc_blocks_out(), before + 8); // a table or two that grew; nothing for each failure
}

// Whose fault a crash is, is told by the innermost frame that is neither libc's nor this program's.
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
    backtrace(first, 1); // loads what it needs
    // A process for each allocation: OpenSSL's own mishaps must not meet.
    const bool every = std::getenv("IBID_TEST_LONG") != nullptr;
    int seen[6] = {};
    std::size_t n = 0;
    for (bool met = true; met; n += every ? 1 : 61) {
        const pid_t child = fork();
        if (child == 0) {
            std::signal(SIGSEGV, &say_who_crashed);
            std::signal(SIGABRT, &say_who_crashed);
            std::signal(SIGALRM, &say_who_crashed);
            alarm(20);
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
    std::printf("%s: %d went on, %d refused, %d ended OpenSSL itself\n", GetParam().name, seen[done],
                seen[refused], seen[openssl_crashed]);
    EXPECT_GT(seen[refused], 0);
}

INSTANTIATE_TEST_SUITE_P(in, out_of_memory,
                         ::testing::Values(named_scene{"handshakes", &scenes::handshakes},
                                           named_scene{"resumption", &scenes::resumption},
                                           named_scene{"stores", &scenes::stores},
                                           named_scene{"writes", &scenes::writes}),
                         [](const auto& p) { return std::string(p.param.name); });

} // namespace
} // namespace ibid::test
