// SPDX-License-Identifier: Apache-2.0
//
// Who has a shared certificate, and whose duplicate is whose: both without a lock, so threads try to break
// them.
#include "openssl/certificates/lease.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "a_cache.h"
#include "openssl/certificates/duplicates.h"

namespace ibid::openssl {
namespace {

using namespace ibid::test;

TEST(Lease, IsOfOneOwnerUntilItsLastUserGivesItBack) {
    lease l;
    EXPECT_FALSE(l.take(0));
    EXPECT_FALSE(l.is_of(0));
    EXPECT_TRUE(l.take(1));
    EXPECT_TRUE(l.take(1));
    EXPECT_TRUE(l.is_of(1));
    EXPECT_FALSE(l.take(2));
    EXPECT_FALSE(l.keep(2));
    l.add();
    l.drop();
    l.drop();
    EXPECT_FALSE(l.take(2));
    l.drop();
    EXPECT_FALSE(l.is_of(1));
    EXPECT_TRUE(l.take(2));
}

TEST(Lease, ThatIsKeptIsNotGivenBack) {
    lease l;
    EXPECT_TRUE(l.take(1));
    l.keep();
    l.drop();
    l.drop();
    EXPECT_TRUE(l.take(1));
    EXPECT_FALSE(l.keep(2));
    lease of_nobody;
    of_nobody.keep(); // by somebody that is not known
    of_nobody.drop();
    EXPECT_FALSE(of_nobody.take(1));
    EXPECT_FALSE(of_nobody.keep(1));
    lease of_store;
    const auto* const store = reinterpret_cast<const X509_STORE*>(~std::uintptr_t{0} >> 17);
    EXPECT_TRUE(of_store.keep(duplicates::owner_of(store)));
    EXPECT_FALSE(of_store.take(owner_id{1} << 42));
    EXPECT_TRUE(of_store.is_of(duplicates::owner_of(store)));
}

// Its program may still have the pointer, and attaches data, or takes a reference again.
TEST(Lease, RemembersItsLastOwner) {
    lease l;
    EXPECT_TRUE(l.take(1));
    l.drop();
    l.add();
    EXPECT_TRUE(l.is_of(1));
    EXPECT_FALSE(l.take(2));
    l.drop();
    l.keep();
    EXPECT_TRUE(l.take(1));
    EXPECT_FALSE(l.take(2));
    lease given_on;
    EXPECT_TRUE(given_on.take(1));
    given_on.drop();
    EXPECT_FALSE(given_on.keep(2));
    EXPECT_TRUE(given_on.take(2));
    given_on.keep_if_known();
    given_on.drop();
    EXPECT_TRUE(given_on.is_of(2));
    lease of_nobody;
    of_nobody.keep_if_known();
    EXPECT_TRUE(of_nobody.take(1));
}

// More users than it counts keep it.
TEST(Lease, LastsRatherThanItsCountOverflows) {
    lease l;
    for (int i = 0; i < (1 << 20) + 5; ++i) {
        ASSERT_TRUE(l.take(1));
    }
    for (int i = 0; i < (1 << 20) + 5; ++i) {
        l.drop();
    }
    EXPECT_TRUE(l.is_of(1));
}

TEST(Lease, IsNeverOfTwoOwnersOnManyThreads) {
    lease l;
    std::atomic<owner_id> user{0};
    std::vector<std::thread> threads;
    for (owner_id me = 1; me <= 4; ++me) {
        threads.emplace_back([&, me] {
            for (int i = 0; i < 20'000; ++i) {
                if (l.take(me)) {
                    EXPECT_EQ(user.exchange(me), 0U);
                    l.add();
                    EXPECT_EQ(user.exchange(0), me);
                    l.drop();
                    l.drop();
                }
            }
        });
    }
    for (std::thread& t : threads) {
        t.join();
    }
}

TEST(Duplicates, AreOneForEachOwnerOnManyThreads) {
    constexpr int owners = 20;
    const x509_ptr original = std::move(make_authority("original").certificate);
    std::array<std::array<std::atomic<X509*>, 4>, owners> got{};
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (owner_id who = 1; who <= owners; ++who) {
                X509* const made = X509_dup(original.get());
                X509_up_ref(original.get());
                X509* const settled = duplicates::insert(original.get(), who, made);
                if (settled != made) {
                    X509_free(made);
                    X509_free(original.get());
                }
                EXPECT_EQ(duplicates::find(original.get(), who), settled);
                got[who - 1][t] = settled;
            }
        });
    }
    for (std::thread& t : threads) {
        t.join();
    }
    for (owner_id who = 1; who <= owners; ++who) {
        for (const auto& one : got[who - 1]) {
            EXPECT_EQ(one, got[who - 1][0]);
        }
        EXPECT_EQ(duplicates::find(original.get(), who + owners), nullptr);
        duplicates::forget(linked_functions(), who);
        EXPECT_EQ(duplicates::find(original.get(), who), nullptr);
    }
}

// Stores that come and go with one certificate do not fill the memory.
TEST(Duplicates, PairsOfAnOriginalWithItselfAreUsedAgain) {
    const authority root = make_authority("root");
    X509* const x = root.certificate.get();
    const auto insert = [&](owner_id who) {
        X509_up_ref(x);
        X509_up_ref(x);
        EXPECT_EQ(duplicates::insert(x, who, x), x);
    };
    insert(1);
    const std::size_t pairs = duplicates::pairs();
    for (owner_id who = 2; who < 100; ++who) {
        duplicates::forget(linked_functions(), who - 1);
        EXPECT_EQ(duplicates::find(x, who - 1), nullptr);
        insert(who);
        EXPECT_EQ(duplicates::find(x, who), x);
    }
    EXPECT_EQ(duplicates::pairs(), pairs);
    insert(1);
    EXPECT_EQ(duplicates::pairs(), pairs + 1);
    duplicates::forget(linked_functions(), 1);
    duplicates::forget(linked_functions(), 99);
}

} // namespace
} // namespace ibid::openssl
