// SPDX-License-Identifier: Apache-2.0
//
// Several threads that parse one certificate at once: no thread waits for another's parse, and one copy
// remains. And threads that end inside OpenSSL.
#include <pthread.h>

#include <atomic>
#include <barrier>
#include <functional>
#include <thread>

#include <gtest/gtest.h>

#include "a_cache.h"
#include "support/gate.h"

namespace ibid::openssl {
namespace {

using namespace ibid::test;
using testing::gate;

// Foreign code that OpenSSL runs whenever it makes a key, so in each parse; and at the beginning of each
// parse and the end of each certificate, where the thread ends if this says so.
thread_local std::function<void()> in_parse;
thread_local std::function<bool(const void*)> ends_with;

void on_new_key(void*, void*, CRYPTO_EX_DATA*, int, long, void*) {
    if (const auto now = std::exchange(in_parse, nullptr)) {
        now();
    }
}
void on_end(void* x, void*, CRYPTO_EX_DATA*, int, long, void*) {
    if (ends_with && ends_with(x)) {
        ends_with = nullptr;
        pthread_exit(nullptr);
    }
}
bool any(const void*) {
    return true;
}

class CertificateCacheRaces : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        (void)CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_EVP_PKEY, 0, nullptr, &on_new_key, nullptr, nullptr);
        (void)CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509, 0, nullptr, nullptr, nullptr, &on_end);
    }
    CertificateCacheRaces() : root_(make_authority("root")) {
        a_cache().retain({});
        ERR_clear_error();
    }
    [[nodiscard]] bytes leaf() const {
        return der_of(make_certificate("leaf", root_.key.get(), &root_, false).get());
    }

    authority root_;
};

TEST_F(CertificateCacheRaces, AStampedeLeavesOneLiveCopy) {
    constexpr int threads = 8;
    for (int round = 0; round < 50; ++round) {
        const bytes der = leaf();
        const ibid::statistics before = a_cache().statistics();
        std::barrier start(threads);
        std::vector<x509_ptr> got(threads);
        std::vector<std::thread> running;
        for (int t = 0; t < threads; ++t) {
            running.emplace_back([&, t] {
                // All are inside the parse before one has come out of it.
                in_parse = [&] { start.arrive_and_wait(); };
                got[static_cast<std::size_t>(t)] = parse(der);
            });
        }
        for (std::thread& t : running) {
            t.join();
        }
        for (const x509_ptr& x : got) {
            ASSERT_EQ(x.get(), got[0].get());
        }
        EXPECT_TRUE(a_cache().shares(got[0].get()));
        const ibid::statistics after = a_cache().statistics();
        EXPECT_EQ(after.entries, before.entries + 1);
        EXPECT_EQ(after.misses, before.misses + 1);
        EXPECT_EQ(after.hits, before.hits + threads - 1);
        EXPECT_EQ(after.bytes_not_parsed, before.bytes_not_parsed) << "each of them parsed";
        got.clear();
        EXPECT_EQ(a_cache().statistics().entries, before.entries);
    }
}

TEST_F(CertificateCacheRaces, StampedesWhoseLeadersDropAtOnceShareOrParseAnew) {
    const bytes der = leaf();
    const bytes other = leaf();
    const std::uint64_t entries = a_cache().statistics().entries;
    std::vector<std::thread> running;
    std::atomic<int> wrong{0};
    for (int t = 0; t < 4; ++t) {
        running.emplace_back([&] {
            for (int i = 0; i < 500; ++i) {
                const x509_ptr a = parse(der);
                const x509_ptr b = parse(der);
                const x509_ptr c = parse(other);
                wrong += a != b || X509_get_version(a.get()) != X509_VERSION_3 || c == nullptr;
            }
        });
    }
    for (std::thread& t : running) {
        t.join();
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(a_cache().statistics().entries, entries);
}

struct outcome {
    X509* returned;
    X509* in_place;
    std::ptrdiff_t advanced;
};

// For each form of d2i_X509's first argument: a second thread completes its parse while the first is inside
// its own, and the first takes what the second has made.
TEST_F(CertificateCacheRaces, NobodyWaitsForAParseThatStandsStill) {
    const std::uint64_t entries = a_cache().statistics().entries;
    for (const int form : {0, 1, 2}) {
        const bytes der = leaf();
        bytes input = der;
        input.push_back(0xde); // somebody else's
        gate inside;
        gate go_on;
        outcome first{};
        X509* given = nullptr;
        std::uint64_t errors = 0;
        std::thread slow([&] {
            X509* place = form == 2 ? X509_new() : nullptr;
            given = place;
            const unsigned char* p = input.data();
            in_parse = [&] {
                inside.open();
                go_on.pass();
            };
            first.returned =
                a_cache().parse(form == 0 ? nullptr : &place, &p, static_cast<long>(input.size()), {}, false);
            first.in_place = place;
            first.advanced = p - input.data();
            errors = ERR_peek_error();
        });
        inside.pass();
        const x509_ptr second = parse(der);
        const x509_ptr third = parse(der);
        EXPECT_EQ(second.get(), third.get());
        go_on.open();
        slow.join();
        EXPECT_EQ(first.returned, second.get());
        EXPECT_EQ(first.in_place, form == 0 ? nullptr : second.get());
        EXPECT_EQ(first.advanced, static_cast<std::ptrdiff_t>(der.size()));
        EXPECT_EQ(errors, 0U);
        EXPECT_NE(first.returned, given);
        EXPECT_EQ(X509_up_ref(first.returned), 1);
        X509_free(first.returned);
        X509_free(first.returned);
    }
    EXPECT_EQ(a_cache().statistics().entries, entries);
}

TEST_F(CertificateCacheRaces, WhatIsAdoptedGivesWayToItsTwin) {
    const bytes der = leaf();
    const x509_ptr twin = parse(der);
    const x509_ptr own = fresh(der);
    const x509_ptr shared(a_cache().adopt(own.get(), false));
    EXPECT_EQ(shared.get(), twin.get());
    EXPECT_FALSE(a_cache().shares(own.get()));
    EXPECT_EQ(X509_get_ex_data(own.get(), a_cache().index()), nullptr);
}

// As pthread_cancel, or pthread_exit in a callback: the stack is unwound through the cache.
[[noreturn]] void end_this_thread() {
    pthread_exit(nullptr);
}
template <class F>
void run_and_end(F f) {
    const auto run = +[](void* work) -> void* {
        const may_be_lost half_done;
        (*static_cast<F*>(work))();
        ADD_FAILURE() << "it came back";
        return nullptr;
    };
    pthread_t thread{};
    ASSERT_EQ(pthread_create(&thread, nullptr, run, &f), 0);
    ASSERT_EQ(pthread_join(thread, nullptr), 0);
}

TEST_F(CertificateCacheRaces, AThreadThatEndsInsideAParseLeavesTheKeyFree) {
    const bytes der = leaf();
    run_and_end([&] {
        in_parse = &end_this_thread;
        (void)parse(der).release();
    });
    const x509_ptr a = parse(der);
    EXPECT_TRUE(a_cache().shares(a.get()));
    EXPECT_EQ(parse(der).get(), a.get());
}

// A certificate that is found for the first time is examined in a copy. Then the copy is freed, and the
// caller's own, which came too late. A thread parses into `place`, and ends in one of them.
void parse_and_end(const bytes& der, x509_ptr& second, X509*& place,
                   const std::function<bool(const void*)>& ends) {
    run_and_end([&] {
        in_parse = [&] {
            second = parse(der);
            ends_with = ends;
        };
        const unsigned char* p = der.data();
        (void)a_cache().parse(&place, &p, static_cast<long>(der.size()), {}, false);
    });
}

TEST_F(CertificateCacheRaces, AThreadThatEndsWhileItsOwnCopyIsFreedHasTakenTheTwin) {
    const bytes der = leaf();
    x509_ptr second;
    X509* place = nullptr;
    parse_and_end(der, second, place, [&](const void*) { return place == second.get(); });
    EXPECT_EQ(place, second.get());
    EXPECT_EQ(parse(der).get(), second.get());
    X509_free(place);
}

TEST_F(CertificateCacheRaces, AThreadThatEndsWhileACopyIsExaminedHasItsOwn) {
    const auto entries = a_cache().statistics().entries;
    {
        const bytes der = leaf();
        x509_ptr second;
        X509* place = nullptr;
        parse_and_end(der, second, place, &any);
        const x509_ptr own(place);
        EXPECT_NE(own, nullptr);
        EXPECT_NE(own, second);
        EXPECT_EQ(parse(der).get(), second.get());
    }
    EXPECT_EQ(a_cache().statistics().entries, entries);
}

TEST_F(CertificateCacheRaces, AThreadThatEndsInAnEvictionLeavesNoLock) {
    const may_be_lost half_freed;
    a_cache().retain({.bytes = 1 << 20, .entries = 1});
    const bytes a = leaf();
    const bytes b = leaf();
    (void)parse(a);
    (void)parse(a);
    EXPECT_EQ(a_cache().statistics().retained, 1U);
    run_and_end([&] {
        const x509_ptr first = parse(b);
        ends_with = &any; // at the free of the one that is dropped
        a_cache().protect(first.get());
    });
    EXPECT_EQ(a_cache().statistics().retained, 1U);
    run_and_end([&] {
        ends_with = &any;
        a_cache().trim();
    });
    EXPECT_EQ(a_cache().statistics().retained, 0U);
    const x509_ptr again = parse(a);
    EXPECT_EQ(parse(a).get(), again.get());
    a_cache().retain({});
}

} // namespace
} // namespace ibid::openssl
