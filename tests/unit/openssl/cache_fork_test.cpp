// SPDX-License-Identifier: Apache-2.0
//
// A child of a process with several threads: nothing from before the fork is handed out or touched, and no
// lock from before the fork is waited for.
//
// Each test forks while another thread is stopped somewhere inside OpenSSL or the cache: this program's
// memory functions stop it at the n-th allocation.
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <new>
#include <thread>

#include <gtest/gtest.h>

#include "a_cache.h"
#include "support/gate.h"
#include "support/in_child.h"

#if defined(__SANITIZE_THREAD__)
// A child has fewer threads than were started.
extern "C" const char* __tsan_default_options() {
    return "report_thread_leaks=0";
}
#endif

namespace ibid::openssl {
namespace {

using namespace ibid::test;
using testing::gate;
using testing::in_child;

thread_local int stops_at = 0; // after this many allocations; 0: never
gate* stopped = nullptr;
gate* go_on = nullptr;

void count_allocation() {
    if (stops_at > 0 && --stops_at == 0) {
        stopped->open();
        go_on->pass();
    }
}
const bool counted = CRYPTO_set_mem_functions(
                         [](std::size_t n, const char*, int) {
                             count_allocation();
                             return std::malloc(n);
                         },
                         [](void* p, std::size_t n, const char*, int) {
                             count_allocation();
                             return std::realloc(p, n);
                         },
                         [](void* p, const char*, int) { std::free(p); }) == 1;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true; // forks are slow then, and memory has a shadow
#else
constexpr bool sanitized = false;
#endif
constexpr int stride = sanitized ? 11 : 1;

class Forks : public ::testing::Test {
protected:
    Forks() : root_(make_authority("root")) {
        a_cache().retain({});
        ERR_clear_error();
        // OpenSSL's one-time initialization.
        const bytes der = leaf();
        const x509_ptr a = parse(der);
        const x509_ptr b = parse(der);
        X509_check_purpose(a.get(), -1, 0);
    }
    [[nodiscard]] bytes leaf() const {
        return der_of(make_certificate("leaf", root_.key.get(), &root_, false).get());
    }
    authority root_;
};

// Exit status of a child: the number of the first failed expectation.
struct verdict {
    int failed = 0;
    int number = 0;
    void expect(bool holds) {
        ++number;
        if (!holds && failed == 0) {
            failed = number;
        }
    }
};

TEST_F(Forks, TheChildGetsNothingThatWasThere) {
    ASSERT_TRUE(counted);
    a_cache().retain({.bytes = 1 << 20, .entries = 16});
    const bytes der = leaf();
    const bytes kept = leaf();
    const x509_ptr held = parse(der);
    (void)parse(kept);
    const X509* const retained = parse(kept).get(); // retained from its second sight on
    ASSERT_EQ(a_cache().statistics().retained, 1U);
    EXPECT_EQ(in_child([&] {
                  a_cache().forget_all_in_child();
                  verdict v;
                  {
                      const x509_ptr mine = parse(der);
                      v.expect(mine != held);
                      v.expect(parse(der) == mine);
                      v.expect(parse(kept).get() != retained);
                      v.expect(a_cache().statistics().entries >= 1);
                      // Inherited objects stay valid for their holders.
                      v.expect(a_cache().shares(held.get()));
                      v.expect(a_cache().origin(held.get()) != nullptr);
                      v.expect(a_cache().verify(held.get(), root_.key.get()) == 1);
                      a_cache().protect(held.get());
                      v.expect(a_cache().detach(held.get()));
                      v.expect(!a_cache().detach(held.get()));
                      v.expect(!a_cache().shares(held.get()));
                      v.expect(parse(der) == mine);
                  }
                  // The budget is that of the parent.
                  (void)parse(kept);
                  (void)parse(kept);
                  v.expect(a_cache().statistics().retained >= 1);
                  a_cache().trim();
                  v.expect(a_cache().statistics().entries == 0);
                  return v.failed;
              }),
              0);
    EXPECT_EQ(parse(der).get(), held.get()) << "nothing has changed in the parent";
    EXPECT_EQ(parse(kept).get(), retained);
    a_cache().retain({});
}

TEST_F(Forks, WhatIsInheritedEndsInTheChildWithoutTheTable) {
    const bytes der = leaf();
    std::vector<x509_ptr> all;
    for (int i = 0; i < 50; ++i) {
        all.push_back(parse(leaf()));
    }
    EXPECT_EQ(in_child([&] {
                  a_cache().forget_all_in_child();
                  verdict v;
                  all.clear();
                  v.expect(a_cache().statistics().entries == 0);
                  const x509_ptr mine = parse(der);
                  v.expect(a_cache().statistics().entries == 1);
                  // The same in a child of the child.
                  v.expect(in_child([&] {
                               a_cache().forget_all_in_child();
                               return parse(der) != mine ? 0 : 1;
                           }) == 0);
                  return v.failed;
              }),
              0);
}

TEST_F(Forks, AStoppedCacheStaysStopped) {
    EXPECT_EQ(in_child([&] {
                  const bytes der = leaf();
                  a_cache().stop();
                  a_cache().forget_all_in_child();
                  const x509_ptr a = parse(der);
                  const x509_ptr b = parse(der);
                  return a != b && !a_cache().shares(a.get()) ? 0 : 1;
              }),
              0);
}

// A thread of the parent is inside its first use of a shared certificate, whose lock it holds; or inside a
// parse, or inside a first hit.
TEST_F(Forks, TheChildWaitsForNoLockOfAnyCertificate) {
    enum work { first_use, parse_only, first_hit };
    for (const work w : {first_use, parse_only, first_hit}) {
        bool whole = false;
        int times = 0;
        for (int n = 1; !whole; n += stride) {
            const bytes der = leaf();
            const x509_ptr held = w != parse_only ? parse(der) : nullptr;
            gate at;
            gate on;
            stopped = &at;
            go_on = &on;
            std::atomic<bool> came_through{false};
            std::thread other([&] {
                stops_at = n;
                if (w == first_use) {
                    (void)X509_get_extension_flags(held.get());
                } else {
                    (void)parse(der);
                }
                came_through = stops_at > 0;
                stops_at = 0;
                at.open();
            });
            at.pass();
            whole = came_through;
            EXPECT_EQ(in_child(
                          [&] {
                              a_cache().forget_all_in_child();
                              verdict v;
                              const x509_ptr mine = parse(der);
                              const x509_ptr again = parse(der);
                              v.expect(mine != nullptr && mine != held);
                              v.expect(again == mine);
                              v.expect(X509_check_purpose(mine.get(), X509_PURPOSE_SSL_SERVER, 0) == 1);
                              a_cache().trim();
                              return v.failed;
                          },
                          20),
                      0)
                << "at allocation " << n << " of work " << w;
            on.open();
            other.join();
            ++times;
            if (HasFailure()) {
                return;
            }
        }
        EXPECT_GT(times, 2) << "it allocated nothing";
    }
}

[[nodiscard]] std::size_t private_dirty_bytes() {
    std::ifstream in("/proc/self/smaps_rollup");
    for (std::string line; std::getline(in, line);) {
        if (unsigned long kib = 0; std::sscanf(line.c_str(), "Private_Dirty: %lu kB", &kib) == 1) {
            return kib * 1024;
        }
    }
    return 0;
}

TEST_F(Forks, TheChildWritesOnePageAtMost) {
    if (sanitized) {
        GTEST_SKIP();
    }
    a_cache().retain({.bytes = 4 << 20, .entries = 512});
    for (int i = 0; i < 400; ++i) {
        const x509_ptr x = parse(leaf());
        a_cache().protect(x.get());
    }
    auto* const shared = static_cast<std::atomic<std::size_t>*>(
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    ASSERT_EQ(in_child([&] {
                  (void)private_dirty_bytes(); // its own
                  const std::size_t before = private_dirty_bytes();
                  a_cache().forget_all_in_child();
                  const std::size_t after = private_dirty_bytes();
                  *shared = after - before;
                  return before == 0 ? 1 : 0;
              }),
              0);
    EXPECT_LE(*shared, 4096U);
    munmap(shared, 4096);
    a_cache().retain({});
}

// Threads that hit, drop and trim all the time, with forks in between. (No threads that parse: then OpenSSL's
// own locks could be held in the child, with or without a cache.)
TEST_F(Forks, InTheMiddleOfTrafficLeaveAChildThatWorks) {
    if (sanitized) {
        GTEST_SKIP() << "the sanitizer's malloc does not support it";
    }
    std::vector<bytes> ders;
    for (int i = 0; i < 8; ++i) {
        ders.push_back(leaf());
    }
    a_cache().retain({.bytes = 1 << 20, .entries = 64});
    std::vector<x509_ptr> held;
    for (const bytes& der : ders) {
        held.push_back(parse(der));
        ASSERT_EQ(parse(der), held.back());
    }
    std::atomic<bool> ends{false};
    std::vector<std::thread> traffic;
    for (unsigned t = 0; t < 2; ++t) {
        traffic.emplace_back([&, t] {
            for (unsigned i = t; !ends; ++i) {
                const x509_ptr x = parse(ders[i % ders.size()]);
                a_cache().protect(x.get());
                if (i % 16 == 0) {
                    a_cache().trim();
                }
            }
        });
    }
    for (int i = 0; i < 100 && !HasFailure(); ++i) {
        EXPECT_EQ(in_child(
                      [&] {
                          a_cache().forget_all_in_child();
                          verdict v;
                          for (std::size_t k = 0; k < ders.size(); ++k) {
                              const x509_ptr a = parse(ders[k]);
                              v.expect(a != nullptr && a != held[k] && parse(ders[k]) == a);
                          }
                          return v.failed;
                      },
                      20),
                  0);
    }
    ends = true;
    for (std::thread& t : traffic) {
        t.join();
    }
    a_cache().retain({});
}

} // namespace
} // namespace ibid::openssl
