// SPDX-License-Identifier: Apache-2.0
//
// A store that the program has locked: nobody waits for the program's thread.
#include "openssl/binding/store_locks.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include "linked_functions.h"
#include "support/gate.h"

namespace ibid::openssl {
namespace {

using namespace ibid::test;
using store_locks::outcome;
using testing::gate;

struct free_store {
    void operator()(X509_STORE* store) const noexcept { X509_STORE_free(store); }
};
using store_ptr = std::unique_ptr<X509_STORE, free_store>;

[[nodiscard]] store_ptr new_store() {
    return store_ptr(X509_STORE_new());
}

const functions real = linked_functions();

// ibid's own use of a store, on this thread.
[[nodiscard]] outcome use(X509_STORE* store) {
    const outcome got = store_locks::lock_unless_programs(real, store);
    if (got == outcome::locked) {
        EXPECT_EQ(X509_STORE_unlock(store), 1);
    }
    return got;
}
[[nodiscard]] outcome use_on_another_thread(X509_STORE* store) {
    outcome got{};
    std::thread([&] { got = use(store); }).join();
    return got;
}

TEST(StoreLocks, IsRefusedToOthersWhileTheProgramHasIt) {
    const store_ptr store = new_store();
    const store_ptr other = new_store();
    EXPECT_EQ(use(store.get()), outcome::locked);
    ASSERT_EQ(store_locks::lock_for_program(real, store.get()), 1);
    EXPECT_EQ(use(store.get()), outcome::held_here);
    EXPECT_EQ(use_on_another_thread(store.get()), outcome::refused);
    EXPECT_EQ(use(other.get()), outcome::locked);
    ASSERT_EQ(store_locks::unlock_for_program(real, store.get()), 1);
    EXPECT_EQ(use(store.get()), outcome::locked);
    EXPECT_EQ(use_on_another_thread(store.get()), outcome::locked);
}

TEST(StoreLocks, SecondLockOfOneThreadIsRefusedAsInStock) {
    const store_ptr store = new_store();
    ASSERT_EQ(store_locks::lock_for_program(real, store.get()), 1);
    EXPECT_EQ(store_locks::lock_for_program(real, store.get()), 0);
    EXPECT_EQ(use(store.get()), outcome::held_here);
    ASSERT_EQ(store_locks::unlock_for_program(real, store.get()), 1);
    EXPECT_EQ(use(store.get()), outcome::locked);
}

gate* waits = nullptr;

int lock_behind_a_gate(X509_STORE* store) {
    waits->open();
    return X509_STORE_lock(store);
}

// The program's thread would get the lock before ibid, and may then keep it.
TEST(StoreLocks, IsRefusedWhileAThreadOfTheProgramWaits) {
    const store_ptr store = new_store();
    gate waiting;
    gate has_it;
    gate give_back;
    waits = &waiting;
    functions f = real;
    f.X509_STORE_lock = &lock_behind_a_gate;
    ASSERT_EQ(X509_STORE_lock(store.get()), 1); // as a function of OpenSSL's does
    std::thread program([&] {
        EXPECT_EQ(store_locks::lock_for_program(f, store.get()), 1);
        has_it.open();
        give_back.pass();
        EXPECT_EQ(store_locks::unlock_for_program(f, store.get()), 1);
    });
    waiting.pass();
    EXPECT_EQ(use_on_another_thread(store.get()), outcome::refused);
    ASSERT_EQ(X509_STORE_unlock(store.get()), 1);
    has_it.pass();
    EXPECT_EQ(use(store.get()), outcome::refused);
    give_back.open();
    program.join();
    EXPECT_EQ(use(store.get()), outcome::locked);
}

// The counters are plain: the stores' locks alone keep the threads apart. While a thread of the program has
// a lock, it waits until another thread has asked for this store: who waited for it would wait for ever.
TEST(StoreLocks, KeepThreadsApartAndNoneWaitsForTheProgram) {
    constexpr std::size_t stores = 3;
    constexpr int turns = 300;
    struct guarded {
        store_ptr store = new_store();
        long long uses = 0;
        std::atomic<unsigned> asked{0};
    };
    std::array<guarded, stores> all;
    std::atomic<int> programs{2};
    std::atomic<long long> counted{0};
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 2; ++t) {
        threads.emplace_back([&, t] {
            std::minstd_rand random(t + 1);
            for (int i = 0; i < turns; ++i) {
                guarded& g = all[random() % stores];
                ASSERT_EQ(store_locks::lock_for_program(real, g.store.get()), 1);
                ++g.uses;
                ++counted;
                const unsigned before = g.asked;
                EXPECT_TRUE(testing::give_way_until([&] { return g.asked != before; }, 1'000'000));
                EXPECT_EQ(use(g.store.get()), outcome::held_here);
                ASSERT_EQ(store_locks::unlock_for_program(real, g.store.get()), 1);
            }
            --programs;
        });
    }
    for (unsigned t = 0; t < 2; ++t) {
        threads.emplace_back([&] {
            for (std::size_t i = 0; programs > 0; i = (i + 1) % stores) {
                guarded& g = all[i];
                if (store_locks::lock_unless_programs(real, g.store.get()) == outcome::locked) {
                    ++g.uses;
                    ++counted;
                    ASSERT_EQ(X509_STORE_unlock(g.store.get()), 1);
                }
                ++g.asked;
            }
        });
    }
    for (std::thread& t : threads) {
        t.join();
    }
    long long uses = 0;
    for (const guarded& g : all) {
        uses += g.uses;
    }
    EXPECT_EQ(uses, counted);
}

// Exit status of a child.
template <class F>
[[nodiscard]] int in_child(F f) {
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        _exit(f());
    }
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// In a child, which has no entry of another test.
TEST(StoreLocks, MoreThanThereIsRoomForAreRefusedUntilTheyAreUnlocked) {
    EXPECT_EQ(in_child([] {
                  functions f = real; // the thread sanitizer follows only 64 locks of a thread
                  f.X509_STORE_lock = [](X509_STORE*) { return 1; };
                  f.X509_STORE_unlock = f.X509_STORE_lock;
                  const store_ptr unlocked = new_store();
                  std::vector<store_ptr> all;
                  const auto lock_one = [&] {
                      all.push_back(new_store());
                      (void)store_locks::lock_for_program(f, all.back().get());
                      return use(unlocked.get()) == outcome::locked;
                  };
                  while (all.size() < 5000 && lock_one()) {
                  }
                  const bool all_had_room = all.size() == 5000;
                  for (const store_ptr& store : all) {
                      (void)store_locks::unlock_for_program(f, store.get());
                  }
                  return !all_had_room && use(unlocked.get()) == outcome::locked ? 0 : 1;
              }),
              0);
}

TEST(StoreLocks, OfAStoreThatEndsIsForgotten) {
    store_ptr store = new_store();
    ASSERT_EQ(store_locks::lock_for_program(real, store.get()), 1);
    EXPECT_EQ(use_on_another_thread(store.get()), outcome::refused);
    ASSERT_EQ(X509_STORE_unlock(store.get()), 1);
    store_locks::forget(store.get());
    EXPECT_EQ(use_on_another_thread(store.get()), outcome::locked);
}

TEST(StoreLocks, OfAThreadThatAChildDoesNotHaveAreRefusedThere) {
    const store_ptr store = new_store();
    gate has_it;
    gate give_back;
    std::thread program([&] {
        EXPECT_EQ(store_locks::lock_for_program(real, store.get()), 1);
        has_it.open();
        give_back.pass();
        EXPECT_EQ(store_locks::unlock_for_program(real, store.get()), 1);
    });
    has_it.pass();
    store_locks::lock_for_fork();
    EXPECT_EQ(in_child([&] {
                  store_locks::unlock_after_fork();
                  return use(store.get()) == outcome::refused ? 0 : 1;
              }),
              0);
    store_locks::unlock_after_fork();
    give_back.open();
    program.join();
    EXPECT_EQ(use(store.get()), outcome::locked);
}

} // namespace
} // namespace ibid::openssl
