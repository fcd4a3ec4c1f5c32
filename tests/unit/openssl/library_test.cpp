// SPDX-License-Identifier: Apache-2.0
//
// A library of the process on its way: set up, made to stand aside, and forked in the middle of either.
#include "openssl/library.h"

#include <openssl/err.h>

#include <dlfcn.h>
#include <sched.h>

#include <array>
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "certificates.h"

namespace ibid::openssl {
namespace {

using namespace ibid::test;

// Each test has a library of its own over the one libcrypto of this program, with what it wants to meet on the way put in place
// of OpenSSL's function.
[[nodiscard]] functions all_functions() {
    functions f;
    f.resolve(dlopen("libcrypto.so.3", RTLD_LAZY | RTLD_NOLOAD));
    return f;
}

library* about_to_be_set_up = nullptr;
functions real;
int its_index = 0;
int its_index_of_stores = 0;

[[nodiscard]] library& made_of(const functions& f) {
    static std::array<char, 16> identities{};
    static std::size_t used = 0;
    library* const l = library::get(&identities.at(used++), f);
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

TEST(a_library, that_is_made_to_stand_aside_while_it_is_set_up_never_shares) {
    functions f = real = all_functions();
    f.CRYPTO_get_ex_new_index = +[](int object_class, long number, void* pointer, CRYPTO_EX_new* on_new,
                                    CRYPTO_EX_dup* on_dup, CRYPTO_EX_free* on_free) {
        about_to_be_set_up->stand_aside();
        const int index =
            real.CRYPTO_get_ex_new_index(object_class, number, pointer, on_new, on_dup, on_free);
        (object_class == CRYPTO_EX_INDEX_X509 ? its_index : its_index_of_stores) = index;
        return index;
    };
    library& l = made_of(f);
    EXPECT_EQ(l.certificates(), nullptr);
    // Another library context may have given these numbers to the program meanwhile.
    char data[256] = "the program's own";
    const x509_ptr x(X509_new());
    const store_ptr store(X509_STORE_new());
    EXPECT_EQ(X509_set_ex_data(x.get(), its_index, data), 1);
    EXPECT_EQ(X509_STORE_set_ex_data(store.get(), its_index_of_stores, data), 1);
    // Nor is anything taken in that one.
    const auto next = [] {
        return CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509_STORE, 0, nullptr, nullptr, nullptr, nullptr);
    };
    const int before = next();
    l.keep_indices_apart(nullptr);
    EXPECT_EQ(next(), before + 1);
    EXPECT_EQ(l.certificates_ever(), nullptr);
    EXPECT_EQ(l.certificates(), nullptr) << "at the second call";
    EXPECT_EQ(l.trust_stores(), nullptr);
}

TEST(a_library, that_would_not_hear_of_the_end_of_openssl_never_shares) {
    functions f = all_functions();
    f.OPENSSL_atexit = +[](void (*)()) { return 0; };
    EXPECT_EQ(made_of(f).certificates(), nullptr);
}

TEST(a_library, whose_index_would_cost_memory_at_the_end_of_each_certificate_never_shares) {
    functions f = real = all_functions();
    f.CRYPTO_get_ex_new_index = +[](int object_class, long number, void* pointer, CRYPTO_EX_new* on_new,
                                    CRYPTO_EX_dup* on_dup, CRYPTO_EX_free* on_free) {
        const int index =
            real.CRYPTO_get_ex_new_index(object_class, number, pointer, on_new, on_dup, on_free);
        return object_class == CRYPTO_EX_INDEX_X509 ? certificate_cache::highest_index + 1 : index;
    };
    EXPECT_EQ(made_of(f).certificates(), nullptr);
}

TEST(a_library, that_stands_aside_while_the_program_forks_leaves_no_lock) {
    const bytes der = some_certificate();
    library& l = made_of(all_functions());
    certificate_cache& cache = *l.certificates();
    const x509_ptr x = parse(cache, der);
    ASSERT_TRUE(cache.shares(x.get()));

    l.lock_for_fork();
    std::atomic<bool> begun{false};
    std::thread other([&] {
        begun = true;
        l.stand_aside();
    });
    // It waits now, or has come as far as it can.
    for (int i = 0; i < 10'000 || !begun; ++i) {
        sched_yield();
    }
    l.unlock_after_fork();
    other.join();

    EXPECT_EQ(l.certificates(), nullptr);
    EXPECT_FALSE(cache.detach(x.get())); // takes the locks, and so do these:
    EXPECT_NE(parse(cache, der).get(), x.get());
}

} // namespace
} // namespace ibid::openssl
