// SPDX-License-Identifier: Apache-2.0
//
// A program whose allocator holds its own lock around fork, as jemalloc and tcmalloc do. A separate program,
// because a program has only one malloc.
#include <openssl/x509.h>

#include <dlfcn.h>
#include <pthread.h>
#include <time.h>

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "certificates.h"
#include "ibid_openssl.h"
#include "support/in_child.h"

extern "C" {
void* __libc_malloc(std::size_t);
}

namespace {

pthread_mutex_t heap = PTHREAD_MUTEX_INITIALIZER;
std::atomic<bool> fork_is_wanted{false};   // its handlers run: this one first, because it was registered last
std::atomic<bool> heap_is_prepared{false}; // set by the last of these handlers
std::atomic<int> allocations_of_ibid{0};
std::atomic<int> waited_for{
    0}; // by the other thread's fork, which was between its first and its last handler
thread_local bool is_watched = false;

void want_a_fork() {
    fork_is_wanted = true;
}
void have_forked() {
    fork_is_wanted = false;
}

void before_fork() {
    pthread_mutex_lock(&heap);
    heap_is_prepared = true;
}
void after_fork() {
    heap_is_prepared = false;
    pthread_mutex_unlock(&heap);
}

void have_handlers() {
    static std::atomic<bool> have{false};
    if (!have.exchange(true)) {
        pthread_atfork(&before_fork, &after_fork, &after_fork);
    }
}

// Waits in an allocation of ibid, some of which are under its locks, long enough that the other thread
// reaches its fork, if it can.
void let_the_other_thread_fork(const void* caller) {
    dl_find_object calls{};
    dl_find_object ibid{};
    if (_dl_find_object(const_cast<void*>(caller), &calls) == 0 &&
        _dl_find_object(reinterpret_cast<void*>(&ibid_openssl_trim), &ibid) == 0 &&
        calls.dlfo_link_map == ibid.dlfo_link_map) {
        ++allocations_of_ibid;
        int held_up = 0;
        for (int waited = 0; waited < 2000 && held_up < 20 && !heap_is_prepared; ++waited) {
            const timespec a_millisecond{0, 1'000'000};
            nanosleep(&a_millisecond, nullptr);
            held_up = fork_is_wanted && !heap_is_prepared ? held_up + 1 : 0;
        }
        waited_for += held_up == 20 ? 1 : 0;
    }
}

} // namespace

extern "C" void* malloc(std::size_t n) {
    have_handlers();
    if (is_watched) {
        let_the_other_thread_fork(__builtin_return_address(0));
    }
    pthread_mutex_lock(&heap);
    void* const p = __libc_malloc(n);
    pthread_mutex_unlock(&heap);
    return p;
}

namespace ibid::test {
namespace {

TEST(allocator_fork, is_not_locked_before_ibids_locks_are_free) {
    // The first ones use up the preload's reserve of pages (operator_new.cpp), and make tables grow.
    constexpr int unwatched = 800;
    constexpr int watched = 400;
    std::vector<bytes> ders;
    for (int i = 0; i < unwatched + watched; ++i) {
        ders.push_back(der_of(make_authority("root").certificate.get()));
    }
    // After ibid's own handlers, which are registered before main().
    ASSERT_EQ(pthread_atfork(&want_a_fork, &have_forked, &have_forked), 0);
    std::atomic<bool> done{false};
    std::thread other([&] {
        std::vector<x509_ptr> parsed;
        for (const bytes& der : ders) {
            is_watched = parsed.size() >= unwatched;
            const unsigned char* p = der.data();
            parsed.emplace_back(ibid_openssl_parse_certificate(&p, der.size()));
        }
        is_watched = false;
        done = true;
    });
    while (!done) {
        EXPECT_EQ(ibid::testing::in_child([] { return 0; }), 0);
    }
    other.join();
    EXPECT_GE(allocations_of_ibid, watched); // one for each certificate, and perhaps some for the tables
    std::printf("%d of %d allocations were under a lock that a fork had to wait for\n", waited_for.load(),
                allocations_of_ibid.load());
}

} // namespace
} // namespace ibid::test
