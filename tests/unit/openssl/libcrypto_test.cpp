// SPDX-License-Identifier: Apache-2.0
//
// A libcrypto of the process: its setup, its disabling, and forks during either.
#include "openssl/instance/libcrypto.h"

#include <openssl/err.h>

#include <dlfcn.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "certificates.h"
#include "support/in_child.h"
#include "this_openssl.h"

namespace ibid::openssl {
namespace {

using namespace ibid::test;
using ibid::testing::in_child;

// Each test adds this program's one libcrypto again, with some of OpenSSL's functions replaced by the test's.
// A process can have libcrypto::most of them.
[[nodiscard]] functions all_functions() {
    functions f;
    void* const handle = dlopen(libcrypto_file, RTLD_LAZY | RTLD_NOLOAD);
    f.take_libcrypto([handle](const char* name) { return dlsym(handle, name); });
    return f;
}

libcrypto* about_to_be_set_up = nullptr;
functions real;
int its_index = 0;
int its_index_of_stores = 0;

constexpr extent nowhere{};

[[nodiscard]] libcrypto& made_of(const functions& f) {
    libcrypto* const l = libcrypto::add(f, nowhere, false, nullptr);
    check(l != nullptr, "one too many");
    about_to_be_set_up = l;
    return *l;
}

[[nodiscard]] x509_ptr parse(certificate_cache& in, const bytes& der) {
    const unsigned char* p = der.data();
    return x509_ptr(in.parse(nullptr, &p, static_cast<long>(der.size()), {}, false));
}

[[nodiscard]] bytes some_certificate() {
    return der_of(make_authority("root").certificate.get());
}

TEST(libcrypto, that_is_disabled_while_it_is_set_up_never_shares) {
    functions f = real = all_functions();
    f.CRYPTO_get_ex_new_index = +[](int object_class, long number, void* pointer, CRYPTO_EX_new* on_new,
                                    CRYPTO_EX_dup* on_dup, CRYPTO_EX_free* on_free) {
        about_to_be_set_up->disable("the test wants it");
        const int index =
            real.CRYPTO_get_ex_new_index(object_class, number, pointer, on_new, on_dup, on_free);
        (object_class == CRYPTO_EX_INDEX_X509 ? its_index : its_index_of_stores) = index;
        return index;
    };
    libcrypto& l = made_of(f);
    EXPECT_EQ(l.certificates(), nullptr);
    // In the meantime, another library context may have given these index numbers to the program.
    char data[256] = "the program's own";
    const x509_ptr x(X509_new());
    const store_ptr store(X509_STORE_new());
    EXPECT_EQ(X509_set_ex_data(x.get(), its_index, data), 1);
    EXPECT_EQ(X509_STORE_set_ex_data(store.get(), its_index_of_stores, data), 1);
    // No index is registered in that context, either.
    const auto next = [] {
        return CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509_STORE, 0, nullptr, nullptr, nullptr, nullptr);
    };
    const int before = next();
    l.keep_indices_apart(nullptr);
    EXPECT_EQ(next(), before + 1);
    EXPECT_EQ(l.certificates_ever(), nullptr);
    EXPECT_EQ(l.certificates(), nullptr) << "at the second call";
    EXPECT_EQ(l.trust_stores(), nullptr);
    EXPECT_STREQ(l.why_disabled(), "the test wants it");
}

// Why a libcrypto with these functions shares nothing; "" if it shares. Runs in its own process.
[[nodiscard]] std::string obstacle_of(const functions& f) {
    int pipe_ends[2];
    check(pipe(pipe_ends) == 0, "pipe");
    const int status = in_child([&] {
        libcrypto& l = made_of(f);
        const bool shares = l.certificates() != nullptr || l.trust_stores() != nullptr;
        const char* const why = shares ? "" : l.why_disabled();
        const auto size = static_cast<ssize_t>(std::strlen(why));
        return write(pipe_ends[1], why, std::strlen(why)) == size ? 0 : 1;
    });
    close(pipe_ends[1]);
    std::string why(1000, '\0');
    const ssize_t size = read(pipe_ends[0], why.data(), why.size());
    close(pipe_ends[0]);
    why.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    EXPECT_EQ(status, 0);
    return why;
}

TEST(libcrypto, that_has_nothing_against_it_shares) {
    EXPECT_EQ(obstacle_of(all_functions()), "");
}

TEST(libcrypto, that_would_not_hear_of_the_end_of_openssl_never_shares) {
    functions f = all_functions();
    f.OPENSSL_atexit = +[](void (*)()) { return 0; };
    EXPECT_EQ(obstacle_of(f), "OpenSSL has no memory");
}

TEST(libcrypto, whose_index_would_cost_memory_at_the_end_of_each_certificate_never_shares) {
    functions f = real = all_functions();
    f.CRYPTO_get_ex_new_index = +[](int object_class, long number, void* pointer, CRYPTO_EX_new* on_new,
                                    CRYPTO_EX_dup* on_dup, CRYPTO_EX_free* on_free) {
        const int index =
            real.CRYPTO_get_ex_new_index(object_class, number, pointer, on_new, on_dup, on_free);
        return object_class == CRYPTO_EX_INDEX_X509 ? certificate_cache::highest_index + 1 : index;
    };
    EXPECT_EQ(obstacle_of(f), "the program has registered too much data for certificates (ex_data)");
}

TEST(libcrypto, with_memory_functions_of_the_programs_never_shares) {
    functions f = all_functions();
    f.CRYPTO_get_mem_functions =
        +[](CRYPTO_malloc_fn* allocate, CRYPTO_realloc_fn* reallocate, CRYPTO_free_fn* release) {
            *allocate = [](std::size_t n, const char*, int) { return std::malloc(n); };
            *reallocate = &CRYPTO_realloc;
            *release = &CRYPTO_free;
        };
    EXPECT_EQ(obstacle_of(f), "the program sets OpenSSL's memory functions (CRYPTO_set_mem_functions)");
}

TEST(libcrypto, that_is_first_met_by_a_thread_with_a_context_of_its_own_never_shares) {
    functions f = all_functions();
    static OSSL_LIB_CTX* const own = OSSL_LIB_CTX_new();
    f.OSSL_LIB_CTX_get0_global_default = +[] { return own; }; // so the thread's is different
    EXPECT_EQ(obstacle_of(f), "a thread has a default library context of its own");
    OSSL_LIB_CTX_free(own);
}

TEST(libcrypto, that_lacks_a_function_or_is_of_an_unknown_major_version_is_left_alone) {
    functions f = all_functions();
    f.X509_dup = nullptr;
    EXPECT_EQ(libcrypto::add(f, nowhere, false, nullptr), nullptr);
    f = all_functions();
    f.OpenSSL_version_num = +[] { return 0x1010113fUL; };
    EXPECT_EQ(libcrypto::add(f, nowhere, false, nullptr), nullptr);
    f.OpenSSL_version_num = +[] { return 0x50000000UL; };
    EXPECT_EQ(libcrypto::add(f, nowhere, false, nullptr), nullptr);
}

TEST(libcrypto, in_which_sharing_widens_a_defect_is_left_alone) {
    functions f = all_functions();
    f.OpenSSL_version_num = +[] { return 0x40000020UL; };
    EXPECT_NE(obstacle_of(f).find("CVE-2026-84783"), std::string::npos);
}

// The same for a version that is newer than all tested ones, with this libcrypto's functions and the change
// by `changed`.
template <class Change>
[[nodiscard]] std::string obstacle_of_newer(Change changed) {
    functions f = real = all_functions();
    f.OpenSSL_version_num =
        +[] { return real.OpenSSL_version_num() >> 28 == 3 ? 0x3f000000UL : 0x4f000000UL; };
    changed(f);
    return obstacle_of(f);
}

TEST(libcrypto, that_is_newer_than_the_tests_shares_where_it_keeps_the_laws) {
    EXPECT_EQ(obstacle_of_newer([](functions&) {}), "");
}

TEST(libcrypto, that_is_newer_than_the_tests_and_breaks_a_law_is_left_alone) {
    const auto breaks = [](const char* law, auto change) {
        const std::string why = obstacle_of_newer(change);
        EXPECT_NE(why.find(law), std::string::npos) << law << ": " << why;
    };
    breaks("could not be shared", [](functions& f) {
        f.d2i_X509 = +[](X509**, const unsigned char**, long) -> X509* { return nullptr; };
    });
    breaks("trial a certificate", [](functions& f) {
        f.i2d_X509 = [](auto* x, unsigned char** to) {
            unsigned char* const start = to != nullptr ? *to : nullptr;
            const int size = real.i2d_X509(x, to);
            if (start != nullptr) {
                start[size - 1] ^= 1;
            }
            return size;
        };
    });
    breaks("a copy", [](functions& f) {
        f.X509_dup = [](auto* x) {
            X509* const same = written_to(x);
            X509_up_ref(same);
            return same;
        };
    });
    breaks("a signature", [](functions& f) { f.X509_verify = [](auto*, EVP_PKEY*) { return 0; }; });
    breaks("a trust store",
           [](functions& f) { f.X509_STORE_add_cert = [](X509_STORE*, auto*) { return 1; }; });
    // The bytes of its names are a copy, not in the object itself.
    breaks("a change", [](functions& f) {
        f.ASN1_STRING_get0_data = +[](const ASN1_STRING* string) -> const unsigned char* {
            static unsigned char copies[4096];
            static std::size_t used = 0;
            const auto size = static_cast<std::size_t>(real.ASN1_STRING_length(string));
            unsigned char* const copy = copies + used % 2048;
            used += size;
            return static_cast<const unsigned char*>(
                std::memcpy(copy, real.ASN1_STRING_get0_data(string), size));
        };
    });
    breaks("the end", [](functions& f) { f.X509_free = +[](X509*) {}; });
}

TEST(libcrypto, that_is_one_too_many_is_left_alone) {
    EXPECT_EQ(in_child([] {
                  unsigned n = libcrypto::count();
                  for (; n < libcrypto::most; ++n) {
                      const libcrypto* const l = libcrypto::add(all_functions(), nowhere, false, nullptr);
                      if (l == nullptr || l->number() != n) {
                          return 1;
                      }
                  }
                  return libcrypto::add(all_functions(), nowhere, false, nullptr) == nullptr &&
                                 libcrypto::count() == libcrypto::most
                             ? 0
                             : 2;
              }),
              0);
}

// With a writer, trust files are not shared. Peers are still shared, and writers get duplicates.
TEST(libcrypto, with_a_writer_shares_no_trust_files) {
    EXPECT_EQ(in_child([] {
                  libcrypto& l = made_of(all_functions());
                  const bool before = l.trust_stores() != nullptr;
                  l.set_has_writer();
                  return before && l.trust_stores() == nullptr && l.certificates() != nullptr &&
                                 l.trust_stores_ever() != nullptr
                             ? 0
                             : 1;
              }),
              0);
}

TEST(libcrypto, that_is_disabled_while_the_program_forks_leaves_no_lock) {
    const bytes der = some_certificate();
    libcrypto& l = made_of(all_functions());
    certificate_cache& cache = *l.certificates();
    const x509_ptr x = parse(cache, der);
    ASSERT_TRUE(cache.shares(x.get()));

    l.lock_for_fork();
    std::atomic<bool> begun{false};
    std::thread other([&] {
        begun = true;
        l.disable("the test wants it");
    });
    // By now it waits, or has done everything it can.
    for (int i = 0; i < 10'000 || !begun; ++i) {
        sched_yield();
    }
    l.unlock_after_fork();
    other.join();

    EXPECT_EQ(l.certificates(), nullptr);
    EXPECT_FALSE(cache.detach(x.get())); // takes the locks, like the next line
    EXPECT_NE(parse(cache, der).get(), x.get());
}

} // namespace
} // namespace ibid::openssl
